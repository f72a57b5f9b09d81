//! `svc config`: what holds, where it comes from, and what is not shown.

use crate::support::project::TempProject;
use crate::support::schema::violations;

const SHOP: &str = r#"project "shop" { env-file ".env" }
template "node" { command "sleep" "1000"; stop grace="3s" }
service "api" extends="node" { port 8080; depends-on db=started }
service "db" { command "sleep" "1000" }
group "all-of-it" "api" "db"
"#;

fn shop() -> TempProject {
    let project = TempProject::new(SHOP);
    project.write(".env", "API_KEY=topsecret\n");
    project.write("services.override.kdl", "service \"db\" { restart always }\n");
    project
}

#[test]
fn what_it_prints_is_a_service_file_that_prints_the_same() {
    let project = shop();
    let printed = project.ok(&["config", "--show-secrets"]);
    assert!(printed.contains("API_KEY (secret)topsecret"), "{printed}");
    let elsewhere = TempProject::new(&printed);
    assert_eq!(elsewhere.ok(&["config", "--show-secrets"]), printed);
    assert_eq!(elsewhere.ok(&["graph"]), project.ok(&["graph"]));
    let masked = project.ok(&["config"]);
    assert!(masked.contains("API_KEY (secret)\"***\"") && !masked.contains("topsecret"), "{masked}");
}

#[test]
fn it_says_which_file_and_layer_each_line_comes_from() {
    let project = shop();
    let api = project.ok(&["config", "--explain", "api"]);
    assert!(api.contains("    stop grace=\"3s\" // services.kdl:2 (template node)\n"), "{api}");
    assert!(api.contains("    port 8080 // services.kdl:3\n"), "{api}");
    let db = project.ok(&["config", "--explain", "db"]);
    assert!(db.contains("    restart always // services.override.kdl:1 (overlay)\n"), "{db}");
    let all: serde_json::Value =
        serde_json::from_str(&project.ok(&["-o", "json", "config", "--explain"])).expect("JSON");
    assert_eq!(all["origins"]["/project/env/API_KEY"]["file"], ".env");
    assert_eq!(all["origins"]["/services/0/stop/grace"]["from"], "template node");
    assert_eq!(all["services"][0]["stop"]["grace"], "3s");
    let schema = serde_json::from_str(&project.ok(&["schema", "-o", "json"])).expect("JSON");
    assert_eq!(violations(&schema, &all), [] as [String; 0]);
}

#[test]
fn it_takes_services_and_groups_and_knows_no_others() {
    let project = shop();
    let names = |args: &[&str]| {
        let all: serde_json::Value = serde_json::from_str(&project.ok(args)).expect("JSON");
        let names = all["services"].as_array().expect("a list").iter();
        names.map(|service| service["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["config", "-o", "json", "db"]), ["db"]);
    assert_eq!(names(&["config", "-o", "json", "all-of-it"]), ["api", "db"]);
    let unknown = project.svc(&["config", "bd"]).code(4);
    assert!(unknown.err.contains("did you mean `db`?"), "{unknown:?}");
    project.write("services.override.kdl", "");
    project.write("services.kdl", "service \"a\" { comand \"x\" }\n");
    let invalid = project.svc(&["config"]).code(78);
    assert!(invalid.out.is_empty() && invalid.err.contains("did you mean `command"), "{invalid:?}");
}
