//! Configurations that are read again while everything runs.

use crate::support::project::{TempProject, eventually};

#[test]
fn a_signal_and_a_command_reload_without_another_process() {
    let project = TempProject::new(
        r#"
service "web" {
    shell "trap 'echo again >> web.heard' HUP; touch web.up; while :; do sleep 0.05; done"
    readiness file="web.up"
    reload signal=SIGHUP
}
service "api" { command "sleep" "1001"; reload command="sh -c 'echo $SVC_NAME >> api.heard'" }
service "wrong" { command "sleep" "1002"; reload command="sh -c 'echo no such key; exit 3'" }
service "plain" { command "sleep" "1003" }
"#,
    );
    project.ok(&["up", "-d"]);
    let pids = ["web", "api", "wrong"].map(|name| project.pid(name));
    project.ok(&["reload", "web", "api"]);
    assert_eq!(project.read("api.heard"), "api\n", "the command has ended by then");
    eventually("the signal", || project.path("web.heard").exists());
    let failed = project.svc(&["reload", "wrong"]).code(1);
    assert!(failed.err.contains("wrong: could not be reloaded: exit code 3: no such key"), "{}", failed.err);
    assert!(failed.err.contains("not reloaded: wrong"), "{}", failed.err);
    assert_eq!(pids, ["web", "api", "wrong"].map(|name| project.pid(name)));
    let plain = project.svc(&["reload", "plain"]).code(1);
    assert!(plain.err.contains("`svc restart plain`"), "{}", plain.err);
    project.ok(&["stop", "api"]);
    let stopped = project.svc(&["reload", "api"]).code(1);
    assert!(stopped.err.contains("not reloaded: api (inactive)"), "{}", stopped.err);
    let events = project.ok(&["events"]);
    assert!(events.contains("reloaded"), "{events}");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

const REPLICAS: &str = r#"
service "api" {
    shell "echo $SVC_REPLICA >> order; echo up; exec sleep 1000"
    replicas 3
    readiness log="up"
}
service "web" { command "sleep" "1001"; depends-on api }
"#;

#[test]
fn replicas_are_replaced_one_after_the_other_and_dependents_go_on() {
    let project = TempProject::new(REPLICAS);
    project.ok(&["up", "-d"]);
    let all = ["api.0", "api.1", "api.2"];
    let (before, web) = (all.map(|name| project.pid(name)), project.pid("web"));
    project.write("order", "");
    project.ok(&["reload", "api"]);
    let after = all.map(|name| project.pid(name));
    assert!(before.iter().zip(&after).all(|(old, new)| old != new), "{before:?} {after:?}");
    assert_eq!((project.read("order").as_str(), project.pid("web")), ("0\n1\n2\n", web));
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_replica_that_does_not_come_back_ends_the_replacement() {
    let text = REPLICAS.replace("echo up", "test ! -e broken || exit 1; echo up");
    let project = TempProject::new(&text);
    project.ok(&["up", "-d"]);
    let untouched = ["api.1", "api.2"].map(|name| project.pid(name));
    project.write("broken", "");
    let failed = project.svc(&["reload", "api"]).code(1);
    assert!(failed.err.contains("not reloaded: api.0"), "{}", failed.err);
    assert_eq!(untouched, ["api.1", "api.2"].map(|name| project.pid(name)));
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
