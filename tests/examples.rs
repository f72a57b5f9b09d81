//! Every example compiles; the small ones run.

use std::path::{Path, PathBuf};

use crate::support::project::{TempProject, free_port};

fn examples() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir("examples")
        .expect("the folder is there")
        .map(|e| e.expect("readable").path())
        .collect();
    all.sort();
    all
}

#[test]
fn every_example_a_person_can_run_compiles_without_a_word() {
    let all = examples();
    // `everything` names users and programs no machine has; tests/compile looks at it.
    assert!(all.len() >= 4, "{all:?}");
    for example in all.into_iter().filter(|example| !example.ends_with("everything")) {
        let project = TempProject::copy_of(&example);
        let finished = project.svc(&["check", "--deny", "warnings"]).code(0);
        assert!(!finished.err.contains("warning"), "{}: {}", example.display(), finished.err);
    }
}

#[test]
fn the_service_file_of_the_readme_compiles() {
    let readme = std::fs::read_to_string("README.md").expect("readable");
    let blocks: Vec<&str> =
        readme.split("```kdl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the README shows a service file");
    for block in blocks {
        let project = TempProject::new(block);
        // Its programs are missing here, which is a warning: a task may still make them.
        let _ = project.svc(&["check"]).code(0);
    }
}

#[test]
fn the_quickstart_runs_and_its_shaky_service_recovers() {
    let project = TempProject::copy_of(Path::new("examples/quickstart"));
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("shaky")["restarts"], 2);
    assert_eq!(project.instance("clock")["state"], "ready");
    assert_eq!(project.instance("prepare")["state"], "completed");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn the_web_server_answers_and_the_worker_counts() {
    let (redis, web) = (free_port(), free_port());
    let project = TempProject::copy_of(Path::new("examples/web-and-database"));
    // Ports of its own, so that the test can run beside itself.
    for (port, file) in [("16379", "services.kdl"), ("18080", "services.kdl"), ("18080", "nginx.conf")] {
        let own = if port == "16379" { redis } else { web };
        project.write(file, &project.read(file).replace(port, &own.to_string()));
    }
    project.ok(&["up", "-d", "--timeout", "60s"]);
    assert_eq!(project.instance("web")["state"], "ready");
    assert_eq!(project.read("data/html/index.html"), "hello from svc\n");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
