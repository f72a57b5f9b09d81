//! Bad input and faults: each has its clear message or its rule, and loses nothing.

use std::process::Stdio;

use crate::support::project::{TempProject, eventually, finish};

#[test]
fn an_invalid_file_starts_nothing() {
    let project =
        TempProject::new("service \"a\" { shell \"touch started\" }\nservice \"b\" { comand \"x\" }\n");
    let finished = project.svc(&["up", "-d"]).code(78);
    assert!(finished.err.contains("services.kdl:2:15"), "{}", finished.err);
    assert!(finished.err.contains("command"), "{}", finished.err);
    assert!(!project.path("started").exists());
    project.assert_nothing_is_left();
}

#[test]
fn a_missing_program_is_named_with_its_place_in_the_file() {
    let project =
        TempProject::new("service \"a\" {\n    command \"no-such-program\" \"x\"\n    restart never\n}\n");
    // A folder of the path that may not be looked into would be a reason of its own.
    let up = project.command(&["up", "-d"]).env("PATH", "/usr/bin:/bin").spawn().expect("svc starts");
    let finished = finish(up).code(1);
    assert!(finished.err.contains("executing"), "{}", finished.err);
    assert!(finished.err.contains("No such file or directory"), "{}", finished.err);
    assert!(finished.err.contains("services.kdl:2:"), "{}", finished.err);
    project.ok(&["down"]);
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let project = TempProject::new(
        "service \"a\" {\n    command \"sleep\" \"9\"\n    working-dir \"missing\"\n    restart never\n}\n",
    );
    let finished = project.svc(&["up", "-d"]).code(1);
    assert!(finished.err.contains("working directory"), "{}", finished.err);
    assert!(finished.err.contains("missing"), "{}", finished.err);
    project.ok(&["down"]);
}

#[test]
fn a_service_that_exits_at_once_fails_up_with_its_code_and_its_last_words() {
    let project =
        TempProject::new(r#"service "a" { shell "echo cannot find my config >&2; exit 3"; restart never }"#);
    let finished = project.svc(&["up", "-d"]).code(1);
    assert!(finished.err.contains('3'), "{}", finished.err);
    assert!(finished.err.contains("cannot find my config"), "{}", finished.err);
    project.ok(&["down"]);
}

#[test]
fn a_port_in_use_is_told_with_its_holder() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let project = TempProject::new(&format!(
        "service \"web\" {{\n    command \"python3\" \"-m\" \"http.server\" \"--bind\" \"127.0.0.1\" \"{port}\"\n    port {port}\n    restart never\n    readiness tcp=\"127.0.0.1:1\"\n}}\n"
    ));
    let finished = project.svc(&["up", "-d"]).code(1);
    assert!(finished.err.contains(&std::process::id().to_string()), "{}", finished.err);
    project.ok(&["down"]);
}

#[test]
fn a_deaf_service_and_its_deaf_children_are_killed_when_their_grace_is_over() {
    let project = TempProject::new(
        r#"
        service "deaf" {
            shell "trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & setsid sh -c 'trap : TERM; while :; do sleep 0.05; done' & touch up; while :; do sleep 0.05; done"
            readiness file="up"
            stop grace="200ms"
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_readiness_that_never_comes_runs_into_the_start_timeout() {
    let project = TempProject::new(
        r#"service "a" { shell "exec sleep 1000"; readiness file="never"; start-timeout "300ms"; restart never }"#,
    );
    let finished = project.svc(&["up", "-d"]).code(1);
    assert!(finished.err.contains("ready"), "{}", finished.err);
    project.ok(&["down"]);
}

#[test]
fn up_gives_up_waiting_when_its_own_time_is_over() {
    let project = TempProject::new(r#"service "a" { shell "exec sleep 1000"; readiness file="never" }"#);
    let _ = project.svc(&["up", "-d", "--timeout", "300ms"]).code(124);
    project.ok(&["down"]);
}

#[test]
fn output_without_a_line_end_fills_neither_disk_nor_memory() {
    let project = TempProject::new(
        r#"task "flood" { shell "head -c 64000000 /dev/zero"; logs "flood.log" max-size="1M" keep=2 }"#,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["down"]);
    let size = |name: &str| std::fs::metadata(project.path(name)).map_or(0, |meta| meta.len());
    let kept = size("flood.log") + size("flood.log.1") + size("flood.log.2") + size("flood.log.3");
    assert!(kept > 1 << 20 && kept <= 7 << 20, "{kept} bytes are kept");
}

#[test]
fn a_closed_stdin_and_a_read_only_folder_do_no_harm() {
    let project = TempProject::new(r#"service "a" { shell "cat; exec sleep 1000" }"#);
    let mut command = project.command(&["up", "-d"]);
    command.stdin(Stdio::null());
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    // The runtime and state directories are made first: they lie in the folder in this test alone.
    std::fs::create_dir_all(project.path(".run")).expect("made");
    std::fs::create_dir_all(project.path(".state")).expect("made");
    std::fs::set_permissions(project.path("."), mode(0o555)).expect("changed");
    let finished = finish(command.spawn().expect("svc starts")).code(0);
    assert_eq!(project.instance("a")["state"], "ready", "{finished:?}");
    std::fs::set_permissions(project.path("."), mode(0o755)).expect("changed");
    project.ok(&["down"]);
}

#[test]
fn children_start_with_clean_signals_no_stray_descriptors_and_a_session_of_their_own() {
    let project = TempProject::new(
        r#"task "look" { shell "cat /proc/self/status > status; ls /proc/self/fd > fds; cut -d' ' -f6 /proc/$$/stat > sid; echo $$ > pid" }"#,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["down"]);
    let status = project.read("status");
    let of = |name: &&str| ["SigBlk:", "SigIgn:", "SigCgt:"].contains(name);
    let words: Vec<&str> = status.split_whitespace().collect();
    let sets: Vec<&str> = words.windows(2).filter(|pair| of(&pair[0])).map(|pair| pair[1]).collect();
    assert_eq!(sets, ["0000000000000000"; 3], "{status}");
    // 0, 1, 2, and the folder `ls` itself has open.
    assert_eq!(project.read("fds").lines().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    assert_eq!(project.read("sid").trim(), project.read("pid").trim());
}

#[test]
fn a_service_that_fails_again_and_again_is_given_up_after_its_maximum() {
    let project = TempProject::new(
        r#"service "a" { shell "echo try >> tries; exit 1"; restart on-failure max=3 window="1m"; backoff "10ms" }"#,
    );
    let _ = project.svc(&["up", "-d"]).code(1);
    assert_eq!(project.read("tries").lines().count(), 4);
    assert_eq!(project.instance("a")["state"], "failed");
    project.ok(&["down"]);
}

#[test]
fn a_start_or_restart_of_what_never_gives_up_ends_after_five_attempts_and_svc_goes_on() {
    let project = TempProject::new(
        r#"service "a" { shell "echo try >> tries; [ -e works ] && exec sleep 1000; exit 1"; readiness file="works"; restart always; backoff "10ms" limit="10ms" }"#,
    );
    project.write("works", "");
    project.ok(&["up", "-d"]);
    for verb in ["restart", "start"] {
        std::fs::remove_file(project.path("works")).expect("removed");
        project.ok(&["stop", "a"]);
        project.write("tries", "");
        let finished = project.svc(&[verb, "a"]).code(1);
        assert!(finished.err.contains("times in a row; svc goes on trying"), "{finished:?}");
        assert!(project.read("tries").lines().count() >= 5);
        project.write("works", "");
        project.ok(&["wait", "a"]);
    }
    project.ok(&["down"]);
}

#[test]
fn the_end_of_a_service_can_end_the_project_with_its_code() {
    let project = TempProject::new(
        r#"
        service "a" { shell "exec sleep 1000" }
        task "job" { shell "exit 7"; depends-on a; on-exit failure=shutdown }
        "#,
    );
    let _ = project.svc(&["up"]).code(7);
    project.assert_nothing_is_left();
}

#[test]
fn ctrl_c_stops_in_order_and_exits_130() {
    let project = TempProject::new(
        r#"service "a" { shell "trap 'echo bye; exit 0' TERM; touch up; while :; do sleep 0.01; done"; readiness file="up" }"#,
    );
    let child = project.command(&["up"]).spawn().expect("svc starts");
    eventually("the start", || project.path("up").exists());
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("sent");
    let finished = finish(child).code(130);
    assert!(finished.out.contains("bye"), "{finished:?}");
    project.assert_nothing_is_left();
}

#[test]
fn a_supervisor_that_was_killed_as_a_whole_is_told_of_by_the_next_one() {
    let project = TempProject::new(r#"service "a" { shell "exec sleep 1000" }"#);
    project.ok(&["up", "-d"]);
    let engine = project.engine().expect("an engine runs");
    let status = std::fs::read_to_string(format!("/proc/{engine}/status")).expect("readable");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent").trim();
    let guard = nix::unistd::Pid::from_raw(parent.parse().expect("a number"));
    nix::sys::signal::kill(guard, nix::sys::signal::Signal::SIGKILL).expect("killed");
    eventually("the engine's end", || project.engine().is_none());
    let finished = project.svc(&["up", "-d"]).code(0);
    assert!(finished.err.contains("was killed with its guard"), "{}", finished.err);
    project.ok(&["down"]);
}
