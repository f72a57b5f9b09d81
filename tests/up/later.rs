//! What is known and cannot be run yet: refused at its place, and nothing is started.

use crate::support::project::TempProject;

const FILE: &str = r##"control {
    http "127.0.0.1:9001"
}
service "web" {
    shell "touch started; exec sleep 1000"
    forks pid-file="web.pid"
    watchdog "30s"
    logs "web.log" compress=#true syslog=#true
}
service "mailer" { shell "touch started"; event-listener TICK_5 }
service "shell" { shell "touch started"; tty }
"##;

#[test]
fn what_cannot_be_run_yet_is_refused_at_its_place_and_nothing_is_started() {
    let project = TempProject::new(FILE);
    let checked = project.svc(&["check"]).code(0);
    assert!(!checked.err.contains("svc::not-yet"), "{}", checked.err);
    let _ = project.svc(&["graph"]).code(0);
    let up = project.svc(&["up", "-d"]).code(78);
    insta::assert_snapshot!(up.err);
    assert!(!project.path("started").exists(), "something was started");
    let _ = project.svc(&["ps"]).code(4);
}
