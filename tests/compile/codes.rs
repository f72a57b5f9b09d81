//! The page of diagnostics lists every code of the sources, once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Collects the sources below a folder, without files of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Returns what stands between `open` and `close` and looks like a code.
fn codes<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
    let is_code = |text: &&str| {
        text.starts_with("svc::") && text[5..].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).filter(is_code).collect()
}

#[test]
fn every_code_of_the_sources_stands_once_on_the_page_of_diagnostics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut used = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        used.extend(codes(code, "\"", '"').into_iter().map(str::to_owned));
    }
    let page = fs::read_to_string(root.join("docs/reference/diagnostics.md")).expect("the page");
    let listed = codes(&page, "\n| `", '`');
    let once: BTreeSet<String> = listed.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(listed.len(), once.len(), "a code stands on the page twice");
    assert!(used.len() > 50, "the scan finds the codes: {used:?}");
    let missing: Vec<&String> = used.difference(&once).collect();
    let gone: Vec<&String> = once.difference(&used).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not on the page: {missing:?}; not in the sources: {gone:?}"
    );
}
