//! Control groups: what belongs to a life by its group, and what becomes of the groups.
//!
//! What a limit does is shown where the kernel can limit: in the machine of `tests/vm`.

use std::fs::File;

use svc::base::{ExitStatus, Invocation, Shares, Signal, Size};
use svc::guard::protocol::{Event, Grouping, Scope};
use svc::sys::cgroup::{self, Group};
use svc::sys::process;

use super::rig::{Rig, read_line, shell, wait_for_end, with_stdout};

/// A name for control groups that no other run of the tests uses.
fn own(test: &str) -> String {
    format!("groups-{test}-{}", process::own_pid())
}

/// The folder of the guard with this name.
fn folder(name: &str) -> Group {
    cgroup::own().expect("the guard has found it too").child(&format!("svc-{name}"))
}

fn names(group: &Group) -> Vec<String> {
    let children = group.children().expect("it is there");
    let mut names: Vec<String> = children
        .iter()
        .map(|g| g.dir().file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn kill(rig: &mut Rig, life: u64) {
    rig.link.signal(Invocation(life), Signal::KILL, Scope::Everything).expect("there is room");
}

fn emptied(rig: &mut Rig) {
    let event = rig.event();
    assert!(matches!(event, Event::Emptied { .. }), "{event:?}");
}

/// A daemon as they are made: the process that is launched ends at once, and what is left is in another
/// session and nobody's child. Returns a handle on it.
fn daemon(rig: &mut Rig, life: u64) -> std::os::fd::OwnedFd {
    let mut spawn =
        shell(life, "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1000; done' & read -r x");
    let mut said = File::from(with_stdout(&mut spawn));
    rig.ask(spawn);
    rig.spawned(life);
    process::pidfd(read_line(&mut said).parse().expect("a number")).expect("it runs")
}

#[test]
fn a_daemon_that_left_its_session_belongs_to_its_life_and_is_killed_with_it() {
    let name = own("daemon");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let daemon = daemon(&mut rig, 1);
    assert_eq!(rig.exited(1), (ExitStatus::Code(1), true), "read met the end of its input");
    rig.link.signal(Invocation(1), Signal::TERM, Scope::Everything).expect("there is room");
    kill(&mut rig, 1);
    emptied(&mut rig);
    wait_for_end(daemon);
    rig.shell(2, "exit 0");
    assert_eq!(rig.exited(2), (ExitStatus::Code(0), false));
}

#[test]
fn a_signal_to_everything_reaches_a_daemon_once_and_its_end_is_told() {
    let name = own("told");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let mut spawn = shell(
        1,
        "setsid sh -c 'trap \"echo term; exit 0\" TERM; echo $$; while :; do sleep 0.01; done' & exec sleep 1000",
    );
    let mut said = File::from(with_stdout(&mut spawn));
    rig.ask(spawn);
    rig.spawned(1);
    let daemon = process::pidfd(read_line(&mut said).parse().expect("a number")).expect("it runs");
    rig.link.signal(Invocation(1), Signal::TERM, Scope::Everything).expect("there is room");
    rig.link.flush().expect("the guard is there");
    assert_eq!(read_line(&mut said), "term");
    wait_for_end(daemon);
    let (exit, stragglers) = rig.exited(1);
    assert_eq!(exit, ExitStatus::Signal(Signal::TERM));
    if stragglers {
        emptied(&mut rig);
    }
    assert_eq!(read_line(&mut said), "", "one signal");
}

#[test]
fn every_life_has_a_group_by_its_name_which_goes_with_it() {
    let name = own("leaf");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let pid = rig.shell(1, "exec sleep 1000");
    assert_eq!(names(&folder(&name)), ["shell-1"]);
    assert_eq!(folder(&name).child("shell-1").processes().expect("it is there"), [pid]);
    let mut limited = shell(2, "exec sleep 1000");
    let shares = Shares { memory: Some(Size(64 << 20)), ..Shares::default() };
    limited.grouping = Grouping::Own { name: b"a b/c".to_vec(), shares };
    rig.ask(limited);
    let pid = rig.spawned(2);
    let boxed = folder(&name).child("a_b_c-2");
    assert_eq!(boxed.child("main").processes().expect("it is there"), [pid]);
    let mut errand = shell(3, "exec sleep 1000");
    errand.grouping = Grouping::Under(Invocation(2));
    rig.ask(errand);
    rig.spawned(3);
    assert_eq!(names(&boxed), ["errand-3", "main"]);
    kill(&mut rig, 2);
    assert_eq!(rig.exited(2), (ExitStatus::Signal(Signal::KILL), false));
    // Its errand lives on, and keeps its group, until it ends too.
    assert_eq!(names(&boxed), ["errand-3"]);
    for life in [3, 1] {
        kill(&mut rig, life);
        assert_eq!(rig.exited(life), (ExitStatus::Signal(Signal::KILL), false));
    }
    assert!(names(&folder(&name)).is_empty(), "{:?}", names(&folder(&name)));
    assert_eq!(rig.goodbye(0), ExitStatus::Code(0));
    assert!(!folder(&name).dir().exists());
}

#[test]
fn a_launch_that_fails_leaves_no_group() {
    let name = own("failed");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let mut spawn = shell(1, "");
    spawn.launch.program = c"/nowhere/at/all".into();
    rig.ask(spawn);
    let event = rig.event();
    assert!(matches!(event, Event::SpawnFailed { .. }), "{event:?}");
    assert!(names(&folder(&name)).is_empty());
}

#[test]
fn a_group_that_cannot_be_made_is_a_failed_launch_with_its_stage() {
    let name = own("stage");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    folder(&name).child("shell-1").make().expect("room");
    rig.ask(shell(1, "exit 0"));
    match rig.event() {
        Event::SpawnFailed { failure, .. } => {
            let told = failure.to_string();
            assert!(told.starts_with("entering its control group: File exists"), "{told}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_killed_guard_left_is_ended_by_the_next_of_its_name() {
    let name = own("killed");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let daemon = daemon(&mut rig, 1);
    assert_eq!(rig.exited(1), (ExitStatus::Code(1), true));
    let service = process::pidfd(rig.shell(2, "exec sleep 1000")).expect("it runs");
    rig.kill_guard();
    let mut next = Rig::grouped(&name).expect("as before");
    assert!(next.groups.cleared >= 2, "{:?}", next.groups);
    wait_for_end(daemon);
    wait_for_end(service);
    assert!(names(&folder(&name)).is_empty());
    next.shell(1, "exit 0");
    assert_eq!(next.exited(1), (ExitStatus::Code(0), false));
}

#[test]
fn a_folder_that_nobody_holds_is_swept_away_by_any_guard_unless_something_is_in_it() {
    let (empty, full) = (own("empty"), own("full"));
    let Some(mut rig) = Rig::grouped(&full) else { return };
    let service = process::pidfd(rig.shell(1, "exec sleep 1000")).expect("it runs");
    rig.kill_guard();
    folder(&empty).make().expect("room");
    folder(&empty).child("shell-1").make().expect("room");
    let other = Rig::grouped(&own("sweeper")).expect("as before");
    assert!(!folder(&empty).dir().exists());
    assert_eq!(names(&folder(&full)), ["shell-1"]);
    assert_eq!(other.groups.cleared, 0);
    process::signal(&service, Signal::KILL).expect("it is ours");
    wait_for_end(service);
    drop(Rig::grouped(&full));
}

#[test]
fn two_guards_of_one_name_do_not_share_a_folder() {
    let name = own("twice");
    let Some(mut first) = Rig::grouped(&name) else { return };
    let mut second = Rig::grouped(&name).expect("as before");
    let (a, b) = (first.shell(1, "exec sleep 1000"), second.shell(1, "exec sleep 1000"));
    assert_ne!(a, b);
    assert_eq!(folder(&name).child("shell-1").processes().expect("it is there"), [a]);
    assert_eq!(folder(&format!("{name}.1")).child("shell-1").processes().expect("it is there"), [b]);
    assert_eq!(second.groups.cleared, 0);
}

#[test]
fn what_forks_faster_than_anyone_can_look_is_killed_at_one_instant() {
    let name = own("storm");
    let Some(mut rig) = Rig::grouped(&name) else { return };
    let mut spawn = shell(
        1,
        "echo ready; while :; do setsid sh -c 'sleep 0.01; exec sh -c \"sleep 0.01\"' & sleep 0.001; done",
    );
    let mut said = File::from(with_stdout(&mut spawn));
    rig.ask(spawn);
    rig.spawned(1);
    assert_eq!(read_line(&mut said), "ready");
    kill(&mut rig, 1);
    let (exit, stragglers) = rig.exited(1);
    assert_eq!(exit, ExitStatus::Signal(Signal::KILL));
    if stragglers {
        emptied(&mut rig);
    }
    assert!(!folder(&name).is_populated().expect("it is there"));
}
