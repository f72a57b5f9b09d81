//! Options of the service file, each seen to do what it says on a real process.

use std::os::unix::fs::PermissionsExt;

use crate::support::project::{TempProject, eventually};

#[test]
fn a_service_whose_liveness_fails_is_started_again() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "echo life >> lives; touch alive; exec sleep 1000"
            readiness file="alive"
            liveness file="alive" period="20ms" timeout="20ms" failures=2
            backoff "0s"
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    let first = project.pid("web");
    std::fs::remove_file(project.path("alive")).expect("removed");
    eventually("the second life", || project.read("lives").lines().count() == 2);
    project.ok(&["wait", "web"]);
    assert_ne!(project.pid("web"), first);
    project.ok(&["down"]);
}

#[test]
fn a_stop_command_runs_before_the_stop_signal() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "trap 'echo signal >> order; exit 0' USR1; touch up; while :; do sleep 0.01; done"
            readiness file="up"
            stop signal=SIGUSR1 { command "sh" "-c" "echo command >> order" }
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["down"]);
    assert_eq!(project.read("order"), "command\nsignal\n");
}

#[test]
fn a_service_gets_the_environment_the_file_gives_it() {
    let project = TempProject::new(
        r##"
        project "shop" { env-file ".env"; env A="project" B="project" }
        task "show" {
            env B="service" VERSION=3.10 HOME=#null
            shell #"echo "$FROM_FILE $A $B $VERSION ${HOME-unset} $SVC_NAME" > shown"#
        }
        task "word" { command "sh" "-c" "printf %s \"$1\" > word" "sh" "${A} costs 5$"; depends-on show }
        "##,
    );
    project.write(".env", "FROM_FILE=\"of the file\"\nA=overridden\n");
    project.ok(&["up", "-d"]);
    assert_eq!(project.read("shown"), "of the file project service 3.10 unset show\n");
    assert_eq!(project.read("word"), "project costs 5$");
    project.ok(&["down"]);
}

#[test]
fn umask_and_working_dir_are_those_of_the_file() {
    let project = TempProject::new(
        r#"task "make" { shell "pwd > ../where; echo x > made"; working-dir "inner"; umask "077" }"#,
    );
    project.write("inner/.keep", "");
    project.ok(&["up", "-d"]);
    assert!(project.read("where").trim().ends_with("/inner"));
    let mode = std::fs::metadata(project.path("inner/made")).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    project.ok(&["down"]);
}

#[test]
fn an_exec_probe_that_hangs_counts_as_failed_and_leaves_nothing_behind() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "exec sleep 1000"
            readiness shell="if [ -e second ]; then exit 0; fi; touch second; exec sleep 7654" timeout="100ms"
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("web")["last_probe"], "passed");
    let sleeping =
        |pid: &i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"7654\0"));
    eventually("the end of the probe that hung", || !project.processes().iter().any(sleeping));
    project.ok(&["down"]);
}

#[test]
fn a_task_that_takes_too_long_is_stopped_and_failed() {
    let project = TempProject::new(r#"task "slow" { shell "exec sleep 1000"; timeout "100ms" }"#);
    let finished = project.svc(&["up", "-d"]).code(1);
    assert!(finished.err.contains("slow"), "{}", finished.err);
    assert_eq!(project.instance("slow")["state"], "failed");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn output_goes_where_the_file_says() {
    let project = TempProject::new(
        r#"
        task "nowhere" { shell "echo nowhere"; logs none }
        task "here" { shell "echo here"; logs inherit; depends-on nowhere }
        task "file" { shell "echo file"; logs "own.log"; depends-on here }
        "#,
    );
    let finished = project.svc(&["up", "--no-log-prefix"]).code(0);
    assert_eq!(project.read("own.log"), "file\n");
    assert!(finished.out.contains("here\n") && !finished.out.contains("nowhere"), "{finished:?}");
}

#[test]
fn wait_waits_for_what_it_is_told() {
    let project = TempProject::new(
        r#"
        service "web" { shell "exec sleep 1000"; readiness file="go" }
        task "job" { shell "while [ ! -e finish ]; do sleep 0.01; done" }
        "#,
    );
    project.ok(&["up", "-d", "--no-wait"]);
    let _ = project.svc(&["wait", "web", "--timeout", "100ms"]).code(124);
    project.write("go", "");
    project.ok(&["wait", "web"]);
    project.write("finish", "");
    project.ok(&["wait", "job", "--for", "completed"]);
    project.ok(&["stop", "web"]);
    project.ok(&["wait", "web", "--for", "stopped"]);
    let _ = project.svc(&["wait", "wep"]).code(4);
    project.ok(&["down"]);
}

#[test]
fn why_tells_the_chain_of_causes() {
    let project = TempProject::new(
        r#"
        service "db" { shell "exec sleep 1000"; readiness file="never" }
        service "api" { shell "exec sleep 1000"; depends-on db }
        "#,
    );
    project.ok(&["up", "-d", "--no-wait"]);
    eventually("the wait", || project.instance("db")["last_probe"].is_string());
    let why = project.ok(&["why", "api"]);
    assert!(why.contains("db"), "{why}");
    assert!(why.contains("ready"), "{why}");
    let why = project.ok(&["why", "db"]);
    assert!(why.contains("no such file or directory"), "{why}");
    assert!(why.contains("services.kdl:2:"), "{why}");
    project.ok(&["down"]);
}

#[test]
fn a_foreground_up_goes_on_when_the_engine_is_replaced() {
    let project =
        TempProject::new(r#"service "web" { shell "touch up; exec sleep 1000"; readiness file="up" }"#);
    let child = project.command(&["up"]).spawn().expect("svc starts");
    eventually("the start", || project.path("up").exists() && project.engine().is_some());
    let engine = project.engine().expect("an engine runs");
    let kill =
        |pid: i32, signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("sent");
    kill(engine, nix::sys::signal::Signal::SIGKILL);
    eventually("a new engine", || {
        project.engine().is_some_and(|new| new != engine) && project.svc(&["ps"]).code == 0
    });
    kill(child.id().cast_signed(), nix::sys::signal::Signal::SIGTERM);
    let _ = crate::support::project::finish(child).code(0);
    project.assert_nothing_is_left();
}
