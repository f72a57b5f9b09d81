//! Tasks that run by themselves, on a real machine.

use crate::support::project::{TempProject, eventually};

/// How many runs are kept of a task, and how the last one ended.
fn runs(project: &TempProject, name: &str) -> Vec<String> {
    let instance = project.instance(name);
    let runs = instance["runs"].as_array().expect("a list").clone();
    runs.iter().map(|run| run["result"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn a_task_runs_again_and_again_and_its_runs_are_kept() {
    let project = TempProject::new(r#"task "tick" { shell "echo tick >> ticks"; every "1s" }"#);
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("tick")["ready"], true, "it is up while it waits");
    eventually("two runs", || runs(&project, "tick").len() >= 2);
    assert!(runs(&project, "tick").iter().all(|run| run == "succeeded"));
    assert!(project.read("ticks").lines().count() >= 2);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_scheduled_task_waits_for_its_time_and_runs_now_when_it_is_started() {
    let project = TempProject::new(
        r#"
        task "backup" { shell "echo run >> runs; test -e good"; schedule "0 0 29 2 *" timezone="UTC" }
        "#,
    );
    project.ok(&["up", "-d"]);
    let backup = project.instance("backup");
    assert_eq!(backup["state"], "scheduled");
    let next = backup["next_run"].as_str().expect("a time").to_owned();
    assert!(next.contains("-02-29T00:00:00"), "{next}");
    let _ = project.svc(&["ps"]).code(0);
    let _ = project.svc(&["start", "backup"]).code(1);
    std::fs::write(project.path("good"), "").expect("written");
    project.ok(&["start", "backup"]);
    assert_eq!(runs(&project, "backup"), ["failed", "succeeded"]);
    assert_eq!(project.instance("backup")["state"], "scheduled");
    project.ok(&["start", "all"]);
    assert_eq!(project.read("runs").lines().count(), 2, "everything is up, so nothing runs");
    let why = project.svc(&["why", "backup"]).code(0).out;
    assert!(why.contains("last runs") && why.contains("failed (exited with code 1)"), "{why}");
    project.ok(&["down"]);
}

#[test]
fn another_engine_goes_on_with_the_schedule_and_keeps_the_history() {
    let project = TempProject::new(
        r#"
        task "backup" { shell "true"; schedule "0 0 29 2 *" timezone="UTC" }
        task "tick" { shell "true"; every "1s" }
        "#,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["start", "backup"]);
    eventually("a run", || !runs(&project, "tick").is_empty());
    let before = project.instance("backup");
    let engine = project.engine().expect("an engine runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(engine), nix::sys::signal::Signal::SIGKILL)
        .expect("killed");
    eventually("a new engine", || {
        project.engine().is_some_and(|new| new != engine) && project.svc(&["ps"]).code == 0
    });
    let after = project.instance("backup");
    assert_eq!((&before["state"], &before["next_run"]), (&after["state"], &after["next_run"]));
    assert_eq!(runs(&project, "backup"), ["succeeded"]);
    let life = || project.instance("tick")["invocation"].as_u64().expect("a number");
    let had = life();
    eventually("another run", || life() > had);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
