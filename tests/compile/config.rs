//! What holds, written down: it has the same plan wherever it lies, it is the same when it is written down again, and
//! secrets are not in it.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use svc::compile::{Memory, Options, compile, resolve};
use svc::model::resolved::document;
use svc::schema::{WrittenNode, print};

use super::samples::{project, roots, said, samples};
use crate::support::meaning;
use crate::support::{grammar, schema};

/// Where what was written down is compiled: beside nothing.
const ELSEWHERE: &str = "/elsewhere/printed.kdl";

/// Writes down what holds; `None` when the files have mistakes.
fn nodes(machine: &Memory, roots: &[PathBuf]) -> Option<Vec<WrittenNode>> {
    let (compiled, resolved) = resolve(roots, machine, Options::default());
    compiled.plan.map(|_| resolved.nodes(&[]))
}

fn hidden(mut nodes: Vec<WrittenNode>) -> Vec<WrittenNode> {
    nodes.iter_mut().for_each(WrittenNode::hide);
    nodes
}

/// Says what is wrong with what is written down of a project; nothing, if it has mistakes itself.
fn wrong(machine: &Memory, roots: &[PathBuf]) -> Result<bool, String> {
    let Some(nodes) = nodes(machine, roots) else { return Ok(false) };
    let printed = print::written(&nodes, &|_| None);
    let elsewhere = |text: &str| {
        let mut machine = machine.clone();
        machine.files.insert(ELSEWHERE.into(), text.into());
        machine
    };
    let at = [PathBuf::from(ELSEWHERE)];
    let before = compile(roots, machine, Options::default());
    let after = compile(&at, &elsewhere(&printed), Options::default());
    if after.plan.is_none() {
        return Err(format!("does not compile:\n{printed}\n{}", said(&after)));
    }
    let (before, after) = (meaning::plan(&before), meaning::plan(&after));
    if before != after {
        return Err(format!("means\n{after}\ninstead of\n{before}\n{printed}"));
    }
    let again = self::nodes(&elsewhere(&printed), &at).map(|nodes| print::written(&nodes, &|_| None));
    if again.as_ref() != Some(&printed) {
        return Err(format!("is written as\n{}\nthe second time, not\n{printed}", again.unwrap_or_default()));
    }
    let masked = hidden(nodes);
    let text = print::written(&masked, &|_| None);
    let compiled = compile(&at, &elsewhere(&text), Options::default());
    if compiled.plan.is_none() {
        return Err(format!("does not compile without its secrets:\n{text}\n{}", said(&compiled)));
    }
    let found = schema::violations(&document::schema(), &document::document(&masked, &mut |_, _| {}));
    if found.is_empty() { Ok(true) } else { Err(format!("{found:?}\n{text}")) }
}

#[test]
fn what_is_written_of_a_sample_has_its_plan() {
    let mut seen = 0;
    for (name, text) in samples("ok").into_iter().chain(samples("err")) {
        let (machine, roots) = project(&text);
        seen += u32::from(wrong(&machine, &roots).unwrap_or_else(|wrong| panic!("{name} {wrong}")));
    }
    assert!(seen > 10, "only {seen}");
}

#[test]
fn what_is_written_of_an_example_has_its_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut machine = super::samples::machine();
    let mut projects = Vec::new();
    for example in std::fs::read_dir(root).expect("readable").map(|entry| entry.expect("readable").path()) {
        let folder = PathBuf::from("/shop").join(example.file_name().expect("a name"));
        projects.push(folder.join("services.kdl"));
        for (from, to) in
            [(example.clone(), folder.clone()), (example.join("services"), folder.join("services"))]
        {
            for entry in std::fs::read_dir(from).into_iter().flatten().map(|entry| entry.expect("readable")) {
                if let Ok(text) = std::fs::read_to_string(entry.path()) {
                    machine.files.insert(to.join(entry.file_name()), text.into());
                }
            }
        }
    }
    assert!(projects.len() > 3, "{projects:?}");
    for project in projects {
        let roots = roots(&machine, project.clone());
        let right = wrong(&machine, &roots).unwrap_or_else(|wrong| panic!("{} {wrong}", project.display()));
        let said = said(&compile(&roots, &machine, Options::default()));
        assert!(right, "{}: {said}", project.display());
    }
}

#[test]
fn what_is_written_of_what_the_tables_allow_has_its_plan() {
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let right = Cell::new(0);
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    let outcome = runner.run(&bytes, |bytes| {
        let text = grammar::document(&bytes);
        let (machine, roots) = project(&text);
        let seen = wrong(&machine, &roots);
        let seen = seen.map_err(|wrong| TestCaseError::fail(format!("{wrong}\nof\n{text}")))?;
        right.set(right.get() + u32::from(seen));
        Ok(())
    });
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(right.get() > 50, "only {} of them compile", right.get());
}

/// A project with every layer, and a secret of every kind in it.
const LAYERS: &str = r#"project "shop" {
    env-file ".env"
    env REGION="eu" DATABASE_URL="postgres://shop:hunter2@db/shop"
}
control { http "127.0.0.1:9001" { user "admin" password-hash="{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d" } }
defaults { restart on-failure max=5; env PATH="/opt/bin:${PATH}" }
template "quick" { stop grace="2s"; env LEVEL="info" }
template "node" extends="quick" { command "./web" "--level=${LEVEL}"; label team="front" }
service "api" extends="node" {
    command "./api" (secret)"hunter2"
    env-file "more/api.env"
    env LEVEL="debug" COLOR=(secret)"hunter2" PATH="bin:${PATH}"
    readiness http=(secret)"http://127.0.0.1/?token=hunter2" { header Authorization=(secret)"Bearer hunter2" }
    logs "${SVC_NAME}.log"
    watch "${HOME}/src" "${LEVEL}"
    port 80
}
service "web" extends="node" { depends-on "api"; after "api"; port http=81 }
include "more/*.kdl"
group "all-of-it" "api" "web"
--- .env ---
STRIPE_KEY=hunter2
TZ='UTC $5'
--- more/api.env ---
GITHUB_TOKEN="hunter2"
LEVEL=warn
--- more/db.kdl ---
service "db" { command "db"; logs "db.log"; depends-on "api" }
--- services.override.kdl ---
service "api" { stop grace="9s"; env PATH="own:${PATH}"; port 82 }
"#;

#[test]
fn every_layer_is_worked_in_and_secrets_are_not_shown() {
    let (machine, roots) = project(LAYERS);
    assert_eq!(wrong(&machine, &roots), Ok(true));
    let nodes = hidden(nodes(&machine, &roots).expect("it compiles"));
    let printed = print::written(&nodes, &|_| None);
    assert!(!printed.contains("hunter2") && !printed.contains("82ab"), "{printed}");
    insta::assert_snapshot!("config", printed);
    let mut places = 0;
    let document = document::document(&nodes, &mut |_, _| places += 1);
    assert!(places > 30, "only {places}");
    insta::assert_snapshot!("config-json", format!("{document:#}"));
}

#[test]
fn every_pointer_to_where_a_value_is_written_leads_to_it() {
    let (machine, roots) = project(LAYERS);
    let (compiled, resolved) = resolve(&roots, &machine, Options::default());
    let mut pointers = Vec::new();
    let document = document::document(&resolved.nodes(&[]), &mut |pointer, span| {
        pointers.push((pointer.to_owned(), span));
    });
    for (pointer, span) in &pointers {
        assert!(document.pointer(pointer).is_some(), "{pointer} in {document:#}");
        assert!(compiled.sources.location(span.lo).is_some(), "{pointer}");
    }
    let of = |pointer: &str| {
        let (_, span) = pointers.iter().find(|(known, _)| known == pointer).expect(pointer);
        let place = compiled.sources.location(span.lo).expect("somewhere");
        format!("{}:{} {:?}", place.file, place.line, resolved.origin(*span))
    };
    assert_eq!(of("/services/0/stop/grace"), "/shop/services.override.kdl:1 Some(Overlay)");
    assert_eq!(of("/services/0/restart/max"), "/shop/services.kdl:6 Some(Defaults)");
    assert_eq!(of("/services/1/stop/grace"), "/shop/services.kdl:7 Some(Template(\"quick\"))");
    assert_eq!(of("/services/0/env/GITHUB_TOKEN"), "/shop/more/api.env:1 None");
    assert_eq!(of("/services/0/logs/output"), "/shop/services.kdl:14 None");
}

#[test]
fn what_is_asked_for_by_name_is_all_that_is_written() {
    let (machine, roots) = project(LAYERS);
    let (_, resolved) = resolve(&roots, &machine, Options::default());
    let names: Vec<String> = resolved.nodes(&["web".to_owned()]).into_iter().map(|node| node.name).collect();
    assert_eq!(names, ["service"]);
}
