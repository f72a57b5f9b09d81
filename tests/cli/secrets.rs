//! What is not to be shown is shown nowhere: the output of every verb is searched for it.

use std::fs;

use crate::support::project::TempProject;

/// The secret; it is in every place where one can be.
const SECRET: &str = "hunter2-hunter2";

fn shop() -> TempProject {
    let project = TempProject::new(&format!(
        r#"project "shop" {{ env-file ".env"; env DATABASE_URL="postgres://shop:{SECRET}@db/shop" }}
service "api" {{
    command "sh" "-c" "exec sleep 1000" (secret)"{SECRET}"
    env COLOR=(secret)"{SECRET}" DB_PASSWORD="{SECRET}"
    readiness http=(secret)"http://127.0.0.1:1/?token={SECRET}" period="50ms" {{ header Authorization="Bearer {SECRET}" }}
    start-timeout "1s"
    restart never
}}
service "web" {{
    command "sh" "-c" "exec sleep 1000" (secret)"{SECRET}"
    env API_KEY="${{STRIPE_KEY}}"
    liveness exec="false ${{API_KEY}}" failures=1 on-failure=ignore
}}
service "idle" {{ shell "exec sleep 1000"; liveness http=(secret)"http://127.0.0.1:1/{SECRET}" period="50ms" failures=1 on-failure=ignore }}
"#
    ));
    project.write(".env", &format!("STRIPE_KEY={SECRET}\nexport PGPASSWORD='{SECRET}'\n"));
    project
}

#[test]
fn a_secret_is_in_no_output_of_any_verb() {
    let project = shop();
    let mut seen = 0;
    let mut look = |args: &[&str]| {
        let finished = project.svc(args);
        for text in [&finished.out, &finished.err] {
            assert!(!text.contains(SECRET), "svc {args:?} shows it: {text}");
            seen += text.len();
        }
        finished.code
    };
    for form in ["human", "json", "github", "sarif"] {
        assert_eq!(look(&["check", "-o", form]), 0);
    }
    for form in ["tree", "dot", "mermaid", "json"] {
        look(&["graph", "-o", form]);
    }
    for form in ["kdl", "json"] {
        assert_eq!(look(&["config", "--explain", "-o", form]), 0);
    }
    look(&["plan"]);
    // `api` does not become ready: nobody answers its probe.
    look(&["-v", "up", "-d", "--timeout", "2s"]);
    for form in ["table", "wide", "json", "name"] {
        look(&["ps", "-a", "-o", form]);
    }
    for name in ["api", "web", "idle"] {
        look(&["why", name]);
        look(&["probe", name]);
        look(&["exec", name, "--", "/nowhere/to/be/found"]);
        look(&["wait", name, "--timeout", "10ms"]);
        look(&["signal", "CONT", name]);
    }
    look(&["events", "--since", "1h"]);
    look(&["restart", "web"]);
    project.write("services.kdl", &project.read("services.kdl").replace("COLOR", "COLOUR"));
    look(&["plan"]);
    look(&["-o", "json", "plan"]);
    look(&["apply", "--timeout", "1s"]);
    look(&["down"]);
    assert!(seen > 5_000, "only {seen} characters were looked at");
    assert!(!project.own_log().contains(SECRET), "{}", project.own_log());
}

#[test]
fn a_finding_beside_a_secret_shows_the_line_without_it() {
    let project = shop();
    let wrong =
        project.read("services.kdl").replace("COLOR=", "1OLOR=").replace("restart never", "restart nver");
    let wrong = wrong.replace("period=\"50ms\" {", "period=\"${DB_PASSWORD}\" {");
    let wrong =
        wrong.replace("service \"web\" {", &format!("service \"web\" {{\n    env \"SOME_TOKEN={SECRET}\""));
    project.write(
        "services.kdl",
        &format!("{wrong}service \"x\" {{ command \"x\"; readiness tcp=\"${{PGPASSWORD}}\" }}\n"),
    );
    for form in ["human", "json", "github", "sarif"] {
        let finished = project.svc(&["check", "-o", form]).code(78);
        let said = finished.out + &finished.err;
        assert!(!said.contains(SECRET), "{said}");
        assert!(said.contains("nver") && said.contains("1OLOR"), "{said}");
    }
    let human = project.svc(&["check"]).err;
    assert!(human.contains("1OLOR=(secret)\"***************\""), "{human}");
    // A key that was pasted without its quotes.
    fs::write(project.path(".env"), format!("PRIVATE_KEY=\"-----BEGIN\n{SECRET}\nno more\n"))
        .expect("written");
    let human = project.svc(&["check"]).code(78).err;
    assert!(!human.contains(SECRET) && human.contains(".env:1"), "{human}");
}
