//! A service file that changes while everything runs.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{TempProject, eventually};

const BEFORE: &str = r#"
service "db" { command "sleep" "1000" }
service "api" { command "sleep" "1001"; depends-on db }
service "other" { command "sleep" "1002" }
service "old" { command "sleep" "1003" }
"#;

const AFTER: &str = r#"
service "db" { command "sleep" "2000" }
service "api" { command "sleep" "1001"; depends-on db }
service "other" { command "sleep" "1002"; stop grace="1s" }
service "new" { command "sleep" "1004"; depends-on db }
"#;

#[test]
fn apply_does_what_plan_says_and_leaves_alone_what_did_not_change() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    let before = ["db", "api", "other"].map(|name| project.pid(name));
    project.write("services.kdl", AFTER);
    insta::assert_snapshot!(project.ok(&["plan"]), @r"
    NAME   ACTION   WHY
    db     restart  command changed
    api    restart  cannot be without db, which restarts
    other  update   stop (in force at once) changed
    new    start    new
    old    stop     not in the service file any more
    ");
    assert_eq!(before, ["db", "api", "other"].map(|name| project.pid(name)), "a plan does nothing");
    project.ok(&["apply"]);
    let after = ["db", "api", "other"].map(|name| project.pid(name));
    assert!(before[0] != after[0] && before[1] != after[1]);
    assert_eq!(before[2], after[2], "what holds at once needs no other process");
    assert_eq!(project.instance("new")["state"], "ready");
    assert!(project.ps()["instances"].as_array().expect("a list").iter().all(|i| i["name"] != "old"));
    assert_eq!(project.ok(&["plan"]), "");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_change_that_does_not_come_up_is_taken_back() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    project.write("services.kdl", &AFTER.replace(r#""sleep" "2000""#, r#""sh" "-c" "exit 3""#));
    let failed = project.svc(&["apply"]).code(1);
    assert!(failed.err.contains("rolled back: db"), "{}", failed.err);
    let names = ["db", "api", "other", "old"];
    assert!(names.iter().all(|name| project.instance(name)["state"] == "ready"));
    assert_eq!(project.instance("db")["command"], "sleep 1000");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn an_engine_that_is_killed_goes_on_with_the_plan_that_was_applied() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    project.write("services.kdl", AFTER);
    project.ok(&["apply"]);
    let pids = ["db", "api", "other", "new"].map(|name| project.pid(name));
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    assert_eq!(pids, ["db", "api", "other", "new"].map(|name| project.pid(name)));
    assert_eq!(project.ok(&["plan"]), "");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn up_on_what_runs_puts_the_changed_file_in_force() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    let other = project.pid("other");
    project.write("services.kdl", AFTER);
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("db")["command"], "sleep 2000");
    assert_eq!((project.instance("new")["state"].as_str(), project.pid("other")), (Some("ready"), other));
    project.ok(&["down"]);
}

#[test]
fn sighup_applies_the_file_and_a_wrong_one_changes_nothing() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    let guard = project.guard();
    project.write("services.kdl", "service \"db\" { command \"sleep\" }\nservice \"db\" {}\n");
    kill(guard, Signal::SIGHUP).expect("sent");
    eventually("the complaint", || project.own_log().contains("cannot apply the service file"));
    assert_eq!(project.instance("db")["command"], "sleep 1000");
    project.write("services.kdl", AFTER);
    kill(guard, Signal::SIGHUP).expect("sent");
    eventually("the change", || project.instance("db")["command"] == "sleep 2000");
    project.ok(&["down"]);
}

#[test]
fn an_invalid_file_is_refused_and_shown() {
    let project = TempProject::new(BEFORE);
    project.ok(&["up", "-d"]);
    project.write("services.kdl", "service \"db\" { comand \"sleep\" }\n");
    for verb in ["plan", "apply"] {
        let refused = project.svc(&[verb]).code(78);
        assert!(refused.err.contains("comand"), "{}", refused.err);
    }
    assert_eq!(project.instance("old")["state"], "ready");
    project.ok(&["down"]);
}

#[test]
fn a_log_that_goes_elsewhere_does_so_without_losing_a_line() {
    let project = TempProject::new(
        r#"service "web" { shell "n=0; while :; do n=$((n+1)); echo $n; sleep 0.001; done"; logs "one.log" }"#,
    );
    project.ok(&["up", "-d"]);
    eventually("some lines", || {
        project.path("one.log").exists() && project.read("one.log").lines().count() > 20
    });
    let text = project.read("services.kdl").replace("one.log", "two.log");
    project.write("services.kdl", &text);
    let pid = project.pid("web");
    project.ok(&["apply"]);
    eventually("lines there", || {
        project.path("two.log").exists() && project.read("two.log").lines().count() > 20
    });
    assert_eq!(project.pid("web"), pid, "no restart is needed for it");
    project.ok(&["down"]);
    let both = project.read("one.log") + &project.read("two.log");
    let numbers: Vec<usize> = both.lines().map(|line| line.parse().expect("a whole line")).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "a line is lost, doubled or torn");
}
