//! SARIF logs: what the schema of the standard demands, and what it cannot.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use svc::compile::catalogue;
use svc::diagnostic::{Diagnostic, Diagnostics, Sarif, SourceMap, Span};

use crate::support::schema::violations;

fn schema() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/sarif-2.1.0.json");
    serde_json::from_str(&fs::read_to_string(file).expect("the schema is there")).expect("it is JSON")
}

/// A log of two projects.
fn log() -> (String, Value) {
    let text = "service \"wéb\" {\n    disabled true\n}\n";
    let mut log = Sarif::new(catalogue::find);
    for name in ["/srv/shop/services.kdl", "more/a b.kdl"] {
        let mut map = SourceMap::default();
        let at = map.add(name, text).expect("small");
        let mut findings = Diagnostics::default();
        let place = |word: &str| {
            let lo = at + text.find(word).expect("it is there") as u32;
            Span::new(lo, lo + word.len() as u32)
        };
        findings.push(
            Diagnostic::error("svc::bare-keyword", place("true"), "booleans start with `#`")
                .here("this")
                .label(place("wéb"), "in this service")
                .help("write `#true`")
                .fix(place("true"), "#true"),
        );
        findings.push(Diagnostic::warning("svc::comment-in-word", place("b\""), "odd"));
        findings.push(Diagnostic::error_without_place("svc::include-unreadable", "no such file"));
        log.add(&findings, &map);
    }
    let log: Value = serde_json::from_str(&log.finish("1.2.3")).expect("JSON");
    (text.to_owned(), log)
}

#[test]
fn a_log_is_what_the_standard_demands() {
    assert_eq!(violations(&schema(), &log().1), [] as [String; 0]);
    let empty: Value = serde_json::from_str(&Sarif::new(catalogue::find).finish("1.2.3")).expect("JSON");
    assert_eq!(violations(&schema(), &empty), [] as [String; 0]);
}

#[test]
fn the_schema_is_looked_at() {
    let broken: [(&str, Value, &str); 5] = [
        ("/version", json!("2.0.0"), "is none of"),
        ("/runs/0/results/0/level", json!("fatal"), "is none of"),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0), "beyond"),
        ("/runs/0/results/0/message", json!({ "texts": "x" }), "fit"),
        ("/runs/0/tool/driver/name", Value::Null, "is no"),
    ];
    for (pointer, value, why) in broken {
        let (_, mut log) = log();
        *log.pointer_mut(pointer).expect(pointer) = value;
        let found = violations(&schema(), &log).join("\n");
        assert!(found.contains(why), "{pointer}: {found}");
    }
}

#[test]
fn places_rules_and_corrections_are_told_exactly() {
    let (text, log) = log();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let region = &result["locations"][0]["physicalLocation"]["region"];
    let offset = text.find("true").expect("there") as u64;
    assert_eq!(
        *region,
        json!({ "startLine": 2, "startColumn": 14, "endLine": 2, "endColumn": 18, "byteOffset": offset, "byteLength": 4 })
    );
    let related = &result["relatedLocations"][0];
    assert_eq!(related["message"]["text"], "in this service");
    assert_eq!(related["physicalLocation"]["region"]["endColumn"], 13, "columns are characters");
    assert_eq!(result["message"]["text"], "booleans start with `#`\nhelp: write `#true`");
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "#true");
    assert_eq!(change["replacements"][0]["deletedRegion"]["byteOffset"], offset);
    let uris: Vec<&Value> = [0, 3]
        .iter()
        .map(|at: &usize| &run["results"][*at]["locations"][0]["physicalLocation"]["artifactLocation"])
        .collect();
    assert_eq!(*uris[0], json!({ "uri": "file:///srv/shop/services.kdl" }));
    assert_eq!(*uris[1], json!({ "uri": "more/a%20b.kdl", "uriBaseId": "%SRCROOT%" }));
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 3, "each code has one rule");
    for result in run["results"].as_array().expect("results") {
        let rule = &rules[result["ruleIndex"].as_u64().expect("a number") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let known = catalogue::find(result["ruleId"].as_str().expect("a code")).expect("in the catalogue");
        assert_eq!(rule["shortDescription"]["text"], known.title);
        assert!(rule["help"]["markdown"].as_str().expect("help").contains("```kdl"));
    }
    assert_eq!(run["results"][1]["level"], "warning");
    assert_eq!(run["results"][2]["locations"], json!([]));
}
