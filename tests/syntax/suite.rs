//! The official suite's cases, which ship inside the published kdl package.
#![expect(
    clippy::disallowed_methods,
    reason = "the package is found by asking cargo, which tells this process where it is"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::canonical::canonical;
use super::read;

/// Cases whose answer differs from the published one, with the reason.
const DISAGREEMENTS: &[(&str, &str)] = &[];

/// Every case by its name: the input, and what is expected when the suite says so.
pub(super) fn cases() -> BTreeMap<String, (String, Option<String>)> {
    let folder = folder();
    let mut cases = BTreeMap::new();
    for entry in fs::read_dir(folder.join("input")).expect("the package holds the cases") {
        let path = entry.expect("a folder entry").path();
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let input = fs::read_to_string(&path).expect("a readable case");
        let expected = fs::read_to_string(folder.join("expected_kdl").join(format!("{name}.kdl"))).ok();
        cases.insert(name, (input, expected));
    }
    cases
}

fn folder() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Without a platform cargo would ask for packages that only other systems need.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs the tests, so it can be run");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let kdl = packages.iter().find(|package| package["name"] == "kdl").expect("kdl is a dependency");
    let manifest = PathBuf::from(kdl["manifest_path"].as_str().expect("a path"));
    manifest.with_file_name("tests").join("test_cases")
}

#[test]
fn every_case_of_the_official_suite_is_read_as_it_says() {
    let cases = cases();
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for (name, (input, expected)) in &cases {
        let (document, findings) = read(input);
        let errors: Vec<_> =
            findings.iter().filter(|f| f.severity == svc::diagnostic::Severity::Error).collect();
        let must_fail = name.ends_with("_fail");
        let complaint = if must_fail {
            errors.is_empty().then(|| format!("accepted as\n{}", canonical(&document)))
        } else if let Some(error) = errors.first() {
            Some(format!("refused: {}", error.message))
        } else {
            let found = canonical(&document);
            let expected = expected.as_ref().map(|text| text.trim_end());
            expected
                .filter(|expected| *expected != found.trim_end())
                .map(|expected| format!("read as\n{found}instead of\n{expected}"))
        };
        let excused = DISAGREEMENTS.iter().any(|(known, _)| known == name);
        match complaint {
            Some(complaint) if !excused => wrong.push(format!("{name}: {complaint}")),
            None if excused => wrong.push(format!("{name}: agrees by now; take it off the list")),
            Some(_) | None => {}
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
