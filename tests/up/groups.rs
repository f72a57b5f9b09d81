//! Control groups as a user meets them: what is killed with a service, and what is said where they cannot be had.

#![expect(clippy::print_stderr, reason = "what is not tested on a machine is said")]

use std::fs;

use nix::sys::signal::{Signal, kill};

use crate::support::project::{TempProject, eventually};

/// A user who was given no part of the tree of control groups.
const NOBODY: u32 = 65534;

const LIMITED: &str = r#"
service "web" { command "sleep" "1000"; limits memory="64M" pids=20 }
service "api" { command "sleep" "1000"; limits memory="1G"; replicas 2 }
service "free" { command "sleep" "1000"; limits nofile=100 }
"#;

#[test]
fn limits_that_cannot_be_enforced_are_told_at_the_start_and_wherever_one_looks() {
    let project = TempProject::new(LIMITED).owned_by(NOBODY);
    let up = project.svc(&["up", "-d"]).code(0);
    assert!(
        up.err.starts_with("warning: limits that do not hold here: `memory` of web, api; `pids` of web\n  "),
        "{}",
        up.err
    );
    // Once: not for each service, and not when something is started later.
    assert_eq!(up.err.matches("warning").count(), 1, "{}", up.err);
    assert_eq!(project.svc(&["restart", "web"]).code(0).err.matches("warning").count(), 0);
    let ps = project.svc(&["ps"]).code(0);
    assert!(ps.err.contains("limits of web: memory, pids cannot be enforced here: "), "{}", ps.err);
    assert!(ps.err.contains("limits of api.0, api.1: memory cannot be enforced here: "), "{}", ps.err);
    let wide = project.svc(&["ps", "-o", "wide"]).code(0);
    assert!(wide.err.contains("not by a control group: "), "{}", wide.err);
    let why = project.ok(&["why", "web"]);
    assert!(why.contains("  memory, pids cannot be enforced here: "), "{why}");
    assert!(!project.ok(&["why", "free"]).contains("enforced"), "it has no such limit");
    let json = project.ok(&["ps", "-o", "json"]);
    let all: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(all["groups"]["leaves"], false);
    assert_eq!(all["instances"][0]["unlimited"]["limits"], serde_json::json!(["memory", "pids"]));
}

/// Whether svc gets control groups of its own here; says so if not.
fn has_groups(project: &TempProject) -> bool {
    let all: serde_json::Value =
        serde_json::from_str(&project.ok(&["ps", "-a", "-o", "json"])).expect("JSON");
    let has = all["groups"]["leaves"] == true;
    if !has {
        eprintln!("not tested here: {}", all["groups"]["lacking"]);
    }
    has
}

#[test]
fn a_daemon_that_left_its_session_ends_with_its_service() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "setsid sh -c 'trap \"\" TERM; echo $$ > daemon; while :; do sleep 0.05; done' & exec sleep 1000"
            readiness file="daemon"
            stop grace="100ms"
        }
        "#,
    );
    let _ = project.svc(&["up", "-d"]).code(0);
    let daemon = project.read("daemon").trim().to_owned();
    if !has_groups(&project) {
        return;
    }
    fs::remove_file(project.path("daemon")).expect("it is there");
    let _ = project.svc(&["restart", "web"]).code(0);
    let second = project.read("daemon").trim().to_owned();
    assert_ne!(daemon, second);
    assert!(!fs::exists(format!("/proc/{daemon}")).expect("there is a /proc"), "it went with the first life");
    let _ = project.svc(&["stop", "web"]).code(0);
    assert!(!fs::exists(format!("/proc/{second}")).expect("there is a /proc"), "it went with the service");
}

#[test]
fn what_a_killed_supervisor_left_is_ended_before_anything_is_started_again() {
    let project = TempProject::new(
        r#"service "web" { shell "echo $$ >> lives; exec sleep 1000"; readiness file="lives" }"#,
    );
    let _ = project.svc(&["up", "-d"]).code(0);
    let left = project.read("lives").trim().to_owned();
    let grouped = has_groups(&project);
    kill(project.guard(), Signal::SIGKILL).expect("it runs");
    eventually("the end of the engine", || project.engine().is_none());
    assert!(fs::exists(format!("/proc/{left}")).expect("there is a /proc"), "it outlives its supervisor");
    let up = project.svc(&["up", "-d"]).code(0);
    if grouped {
        assert!(up.err.contains("killed with its guard; 1 process it had left was ended"), "{}", up.err);
        eventually("its end", || !fs::exists(format!("/proc/{left}")).expect("there is a /proc"));
    } else {
        assert!(up.err.contains("what it had started may still run"), "{}", up.err);
        let left = nix::unistd::Pid::from_raw(left.parse().expect("a number"));
        kill(left, Signal::SIGKILL).expect("it runs");
    }
}
