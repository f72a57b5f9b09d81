//! How a process is launched: what it gets, what it does not get, and how a launch fails.

use std::fs::{File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;

use svc::base::limit::{Bound, Resource};
use svc::base::{ExitStatus, Invocation, Limit, Stage};
use svc::guard::protocol::{Credentials, Event, Install, Source, Spawn};

use super::rig::{Constraints, Rig, read_all, shell, text, with_stdin, with_stdout, write_line};

/// Runs a script and returns what it printed.
fn output(rig: &mut Rig, mut spawn: Spawn<OwnedFd>) -> String {
    let Invocation(invocation) = spawn.invocation;
    let read = with_stdout(&mut spawn);
    rig.ask(spawn);
    rig.spawned(invocation);
    let printed = read_all(read);
    assert_eq!(rig.exited(invocation), (ExitStatus::Code(0), false), "{printed}");
    printed
}

/// Expects that a launch fails, and returns where and why.
fn failure(rig: &mut Rig, spawn: Spawn<OwnedFd>) -> (Stage, i32) {
    let expected = spawn.invocation;
    rig.ask(spawn);
    match rig.event() {
        Event::SpawnFailed { invocation, failure } if invocation == expected => {
            (failure.stage, failure.errno)
        }
        other => panic!("{other:?} instead of a failed launch"),
    }
}

/// A launch of this program without arguments.
fn program(invocation: u64, path: &str) -> Spawn<OwnedFd> {
    let mut spawn = shell(invocation, "");
    spawn.launch.program = text(path);
    spawn.launch.argv = vec![text(path)];
    spawn
}

#[test]
fn no_signal_is_blocked_ignored_or_caught_in_a_child() {
    let mut rig = Rig::new();
    let mut cat = program(1, "cat");
    cat.launch.argv = ["cat", "/proc/self/status"].map(text).to_vec();
    let status = output(&mut rig, cat);
    for set in ["SigBlk", "SigIgn", "SigCgt"] {
        let line = status.lines().find(|line| line.starts_with(set)).expect("the kernel tells");
        assert_eq!(line, format!("{set}:\t0000000000000000"));
    }
}

#[test]
fn a_child_has_the_descriptors_it_was_given_and_no_others() {
    let mut rig = Rig::new();
    rig.link.keep(b"some", File::open("/dev/zero").expect("a device").into()).expect("there is room");
    let mut ls = program(1, "ls");
    ls.launch.argv = ["ls", "-l", "/proc/self/fd"].map(text).to_vec();
    ls.fds.push(Install { target: 7, source: Source::Kept(b"some".to_vec()) });
    ls.fds.push(Install { target: 5, source: Source::Null });
    let listed = output(&mut rig, ls);
    let open: Vec<(&str, &str)> = listed
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().expect("a number"), target))
        .filter(|(_, target)| !target.starts_with("/proc"))
        .map(|(number, target)| (number, if target.starts_with("pipe") { "pipe" } else { target }))
        .collect();
    let null = "/dev/null";
    assert_eq!(open, [("0", null), ("1", "pipe"), ("2", null), ("5", null), ("7", "/dev/zero")]);
}

#[test]
fn a_child_may_have_high_and_many_descriptors() {
    let mut rig = Rig::new();
    let mut many = shell(1, "ls /proc/self/fd | sort -n | tr '\\n' ' '");
    many.fds.extend((3..60).map(|target| Install { target, source: Source::Null }));
    many.fds.push(Install { target: 70, source: Source::Null });
    let listed = output(&mut rig, many);
    let numbers: Vec<u32> =
        listed.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    assert!((0..60).chain([70]).all(|number| numbers.contains(&number)), "{listed}");
    assert!(numbers.len() <= 62, "one more is the folder that ls reads: {listed}");
}

#[test]
fn a_child_leads_a_session_or_only_a_group() {
    let mut rig = Rig::new();
    // Fields of proc_pid_stat(5): the number, the group, the session.
    let script =
        "read -r pid name state parent group session rest < /proc/$$/stat; echo $pid $group $session";
    let led = output(&mut rig, shell(1, script));
    let numbers: Vec<&str> = led.split_whitespace().collect();
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{led}");

    let mut grouped = shell(2, script);
    grouped.launch.session = false;
    let guard = rig.guard.pid.to_string();
    let led = output(&mut rig, grouped);
    let numbers: Vec<&str> = led.split_whitespace().collect();
    assert_eq!((numbers[0], numbers[2]), (numbers[1], &*guard));
}

#[test]
fn directory_mask_limit_and_environment_are_as_asked() {
    let mut rig = Rig::new();
    let script = "pwd; umask; ulimit -Sn; ulimit -Hn; echo $WORD";
    let mut spawn = shell(1, script);
    spawn.launch.cwd = Some(text("/tmp"));
    spawn.launch.umask = Some(0o027);
    spawn.launch.limits = vec![Limit::descriptors((100, 200))];
    spawn.launch.env.push(text("WORD=two words"));
    assert_eq!(output(&mut rig, spawn), "/tmp\n0027\n100\n200\ntwo words\n");
    let (soft, hard) = svc::sys::process::nofile();
    let unasked = output(&mut rig, shell(2, script));
    assert_eq!(
        unasked,
        format!("/\n0022\n{soft}\n{hard}\n\n"),
        "the guard's own, higher limit is not inherited"
    );
}

#[test]
fn limits_and_priority_are_as_asked_and_not_the_guards() {
    let mut rig = Rig::new();
    let script = "ulimit -p; ulimit -c; ulimit -s; ulimit -v; nice";
    let before = output(&mut rig, shell(1, script));
    let mut spawn = shell(2, script);
    spawn.launch.limits = vec![
        Limit::fixed(Resource::Processes, Bound::To(4321)),
        Limit::fixed(Resource::Core, Bound::To(0)),
        Limit::fixed(Resource::Stack, Bound::To(4 << 20)),
        Limit::fixed(Resource::AddressSpace, Bound::To(1 << 30)),
    ];
    spawn.launch.nice = Some(7);
    assert_eq!(output(&mut rig, spawn), "4321\n0\n4096\n1048576\n7\n");
    assert_eq!(output(&mut rig, shell(3, script)), before, "the guard keeps its own");
}

#[test]
fn an_environment_longer_than_a_packet_arrives() {
    let mut rig = Rig::new();
    let mut spawn = shell(1, "echo ${#A} ${#B} ${#C}");
    for name in ["A", "B", "C"] {
        spawn.launch.env.push(text(&format!("{name}={}", "x".repeat(100_000))));
    }
    assert_eq!(output(&mut rig, spawn), "100000 100000 100000\n");
}

#[test]
fn a_failed_launch_tells_its_stage_and_errno() {
    let mut rig = Rig::new();
    let plain = rig.dir.path().join("plain");
    std::fs::write(&plain, "echo no shebang\n").expect("a temporary file");
    let plain = plain.to_str().expect("text").to_owned();
    assert_eq!(failure(&mut rig, program(1, "/no/such/program")), (Stage::Exec, libc::ENOENT));
    assert_eq!(failure(&mut rig, program(2, "no-such-program")), (Stage::Exec, libc::ENOENT));
    assert_eq!(failure(&mut rig, program(3, &plain)), (Stage::Exec, libc::EACCES));
    std::fs::set_permissions(&plain, Permissions::from_mode(0o755)).expect("it is ours");
    assert_eq!(failure(&mut rig, program(4, &plain)), (Stage::Exec, libc::ENOEXEC));
    assert_eq!(failure(&mut rig, program(5, "")), (Stage::Exec, libc::ENOENT));
    let mut lost = shell(6, "");
    lost.launch.cwd = Some(text("/no/such/directory"));
    assert_eq!(failure(&mut rig, lost), (Stage::WorkingDirectory, libc::ENOENT));
    let mut limited = shell(7, "");
    limited.launch.limits = vec![Limit::descriptors((2, 1))];
    assert_eq!(failure(&mut rig, limited), (Stage::Limits, libc::EINVAL));
    let mut unkept = shell(8, "");
    unkept.fds.push(Install { target: 1, source: Source::Kept(b"never kept".to_vec()) });
    assert_eq!(failure(&mut rig, unkept), (Stage::Descriptors, libc::EBADF));
    let mut twice = shell(9, "");
    twice.fds.extend([1, 1].map(|target| Install { target, source: Source::Null }));
    assert_eq!(failure(&mut rig, twice), (Stage::Descriptors, libc::EINVAL));
    rig.shell(10, "exit 0");
    assert_eq!(rig.exited(10), (ExitStatus::Code(0), false), "and the next launch works");
}

#[test]
fn the_path_goes_on_past_what_cannot_be_executed_and_tells_of_it_last() {
    let mut rig = Rig::new();
    let (first, second) = (rig.dir.path().join("first"), rig.dir.path().join("second"));
    for folder in [&first, &second] {
        std::fs::create_dir(folder).expect("a temporary folder");
    }
    std::fs::write(first.join("tool"), "#!/bin/sh\n").expect("a temporary file");
    let path = text(&format!("PATH=/no/such:{}:{}", first.display(), second.display()));
    let mut spawn = program(1, "tool");
    spawn.launch.env = vec![path.clone()];
    assert_eq!(failure(&mut rig, spawn), (Stage::Exec, libc::EACCES));
    std::fs::write(second.join("tool"), "#!/bin/sh\nexit 4\n").expect("a temporary file");
    std::fs::set_permissions(second.join("tool"), Permissions::from_mode(0o755)).expect("it is ours");
    let mut spawn = program(2, "tool");
    spawn.launch.env = vec![path];
    rig.ask(spawn);
    rig.spawned(2);
    assert_eq!(rig.exited(2), (ExitStatus::Code(4), false));
}

#[test]
fn root_gives_a_child_another_user_and_groups() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut rig = Rig::new();
    let mut spawn = shell(1, "id -u; id -g; id -G");
    spawn.launch.credentials = Some(Credentials { uid: 65534, gid: 65534, groups: vec![1234, 1235] });
    assert_eq!(output(&mut rig, spawn), "65534\n65534\n65534 1234 1235\n");
}

#[test]
fn a_guard_that_is_not_root_runs_services_but_cannot_change_the_user() {
    let root = rustix::process::geteuid().is_root();
    let mut rig = Rig::constrained(&Constraints { user: root.then_some(65534), nofile: None });
    let printed = output(&mut rig, shell(1, "id -u"));
    assert_ne!(printed, "0\n");
    let mut spawn = shell(2, "");
    spawn.launch.credentials = Some(Credentials { uid: 0, gid: 0, groups: vec![] });
    assert_eq!(failure(&mut rig, spawn), (Stage::Group, libc::EPERM));
}

#[test]
fn a_guard_without_free_descriptors_reports_it_and_goes_on() {
    let mut rig = Rig::constrained(&Constraints { user: None, nofile: Some(128) });
    for number in 0..128 {
        let null = File::open("/dev/null").expect("a null device");
        rig.link.keep(format!("filler {number}").as_bytes(), null.into()).expect("there is room");
    }
    assert_eq!(failure(&mut rig, shell(1, "exit 0")), (Stage::Fork, libc::EMFILE));
    let mut spawn = shell(2, "exit 0");
    let _read = with_stdout(&mut spawn);
    assert_eq!(failure(&mut rig, spawn), (Stage::Descriptors, libc::EMFILE));
    for number in 0..128 {
        rig.link.drop_key(format!("filler {number}").as_bytes()).expect("there is room");
    }
    rig.shell(3, "exit 5");
    assert_eq!(rig.exited(3), (ExitStatus::Code(5), false));
}

#[test]
fn a_pipe_given_to_a_child_ends_with_it() {
    let mut rig = Rig::new();
    let mut spawn = shell(1, "read -r line; echo done");
    let read = with_stdout(&mut spawn);
    let mut write = with_stdin(&mut spawn);
    rig.ask(spawn);
    rig.spawned(1);
    write_line(&mut write);
    assert_eq!(read_all(read), "done\n", "the guard holds no end of it");
    assert_eq!(rig.exited(1), (ExitStatus::Code(0), false));
}

#[test]
fn five_hundred_launches_in_a_few_packets_all_begin_and_end() {
    let mut rig = Rig::new();
    for number in 1..=500 {
        rig.link.spawn(program(number, "/bin/true")).expect("there is room");
    }
    let (mut begun, mut ended) = (0, 0);
    while ended < 500 {
        match rig.event() {
            Event::Spawned { .. } => begun += 1,
            Event::Exited { exit: ExitStatus::Code(0), stragglers: false, .. } => ended += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(begun, 500);
}
