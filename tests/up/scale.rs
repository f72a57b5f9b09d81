//! Another number of instances than the service file says.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::TempProject;

const SHOP: &str = r#"
service "db" { command "sleep" "1000" }
service "api" { command "sleep" "1001"; replicas 2; depends-on db }
"#;

fn names(project: &TempProject) -> Vec<String> {
    let ps = project.ps();
    let all = ps["instances"].as_array().expect("a list");
    all.iter().map(|instance| instance["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn scaling_starts_and_stops_instances_and_leaves_the_others_alone() {
    let project = TempProject::new(SHOP);
    project.ok(&["up", "-d"]);
    let before = ["db", "api.0", "api.1"].map(|name| project.pid(name));
    project.ok(&["scale", "api=4"]);
    assert_eq!(names(&project), ["db", "api.0", "api.1", "api.2", "api.3"]);
    assert_eq!(project.instance("api.3")["state"], "ready");
    assert_eq!(before, ["db", "api.0", "api.1"].map(|name| project.pid(name)));
    let shown = project.svc(&["ps"]).code(0);
    assert!(shown.err.contains("`api` is scaled to 4 by hand; the service file says 2"), "{}", shown.err);
    project.ok(&["scale", "api=1"]);
    assert_eq!(names(&project), ["db", "api.0"]);
    assert_eq!(before[1], project.pid("api.0"));
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_scale_holds_until_the_file_says_another_number() {
    let project = TempProject::new(SHOP);
    project.ok(&["up", "-d", "--scale", "api=3"]);
    assert_eq!(names(&project).len(), 4);
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    assert_eq!(names(&project).len(), 4, "another engine knows of it");
    project.write("services.kdl", &SHOP.replace("1000", "2000"));
    project.ok(&["apply"]);
    assert_eq!(names(&project).len(), 4, "a change of something else lets it stand");
    project.write("services.kdl", &SHOP.replace("1000", "2000").replace("replicas 2", "replicas 1"));
    insta::assert_snapshot!(project.ok(&["plan"]), @r"
    NAME   ACTION  WHY
    api.1  stop    one instance less
    api.2  stop    one instance less
    ");
    project.ok(&["apply"]);
    assert_eq!(names(&project), ["db", "api.0"]);
    project.ok(&["down"]);
    project.ok(&["up", "-d"]);
    assert_eq!(names(&project), ["db", "api.0"], "nothing of it is left");
    project.ok(&["down"]);
}

#[test]
fn scaling_leaves_other_changes_of_the_file_alone() {
    let project = TempProject::new(SHOP);
    project.ok(&["up", "-d"]);
    let db = project.pid("db");
    project.write("services.kdl", &SHOP.replace("1000", "2000"));
    project.ok(&["scale", "api=3"]);
    assert_eq!((names(&project).len(), project.pid("db")), (4, db));
    let plan = project.ok(&["plan"]);
    assert!(plan.contains("db") && !plan.contains("api.2  s"), "{plan}");
    project.ok(&["down"]);
}

#[test]
fn what_cannot_be_scaled_is_said() {
    let project = TempProject::new(SHOP);
    let unknown = project.svc(&["up", "-d", "--scale", "apu=3"]).code(4);
    assert!(unknown.err.contains("did you mean `api`?"), "{}", unknown.err);
    project.ok(&["up", "-d"]);
    let unknown = project.svc(&["scale", "apu=3"]).code(4);
    assert!(unknown.err.contains("did you mean `api`?"), "{}", unknown.err);
    let none = project.svc(&["scale", "api=0"]).code(2);
    assert!(none.err.contains("`svc stop api` stops it"), "{}", none.err);
    assert_eq!(names(&project).len(), 3);
    project.ok(&["down"]);
}
