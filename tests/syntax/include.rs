//! Files that include files, from a loader that holds them in memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svc::diagnostic::{Diagnostics, SourceMap};
use svc::syntax::{Loader, Sources, load};

/// Files by path; one that holds `\u{fffd}` stands for one that is not UTF-8.
struct Memory(BTreeMap<PathBuf, &'static str>);

impl Loader for Memory {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        match self.0.get(path) {
            Some(text) if text.contains('\u{fffd}') => Err(io::ErrorKind::InvalidData.into()),
            Some(text) => Ok(Arc::from(*text)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        let pattern = glob::Pattern::new(&pattern.to_string_lossy()).map_err(io::Error::other)?;
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        // In the wrong order on purpose: sorting is not the loader's work.
        Ok(self.0.keys().rev().filter(|path| pattern.matches_path_with(path, options)).cloned().collect())
    }
}

/// Loads `main.kdl` and says which files were read and what was found, with the places' texts.
fn loaded(files: &[(&str, &'static str)]) -> (Vec<String>, Vec<String>) {
    let memory = Memory(files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect());
    let mut findings = Diagnostics::default();
    let Sources { map, files } = load(&[PathBuf::from("main.kdl")], &memory, &mut findings);
    findings.sort();
    let read = files.iter().map(|file| file.path.display().to_string()).collect();
    (read, findings.iter().map(|finding| told(finding, &map)).collect())
}

fn told(finding: &svc::diagnostic::Diagnostic, map: &SourceMap) -> String {
    let places = finding.labels.iter().map(|label| {
        let at = map.location(label.span.lo).expect("a place in a file");
        format!("{}:{} {}", at.file, at.line, map.text(label.span))
    });
    format!("{}: {} [{}]", finding.code, finding.message, places.collect::<Vec<_>>().join(", "))
}

#[test]
fn files_are_read_in_the_order_a_person_reads_them() {
    let (read, findings) = loaded(&[
        ("main.kdl", "include \"services/*.kdl\" \"last.kdl\"\n"),
        ("services/b.kdl", ""),
        ("services/a.kdl", "include \"deep/c.kdl\"\n"),
        ("services/deep/c.kdl", "service c\n"),
        ("last.kdl", ""),
    ]);
    assert_eq!(read, ["main.kdl", "services/a.kdl", "services/deep/c.kdl", "services/b.kdl", "last.kdl"]);
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn a_missing_or_unreadable_file_is_said_where_it_is_included() {
    let (read, findings) = loaded(&[
        ("main.kdl", "include \"gone.kdl\"\ninclude \"odd.kdl\" \"x/*.kdl\"\n"),
        ("odd.kdl", "\u{fffd}"),
    ]);
    assert_eq!(read, ["main.kdl"]);
    assert_eq!(
        findings,
        [
            "svc::include-unreadable: cannot read `gone.kdl`: there is no such file [main.kdl:1 \"gone.kdl\"]",
            "svc::include-unreadable: cannot read `odd.kdl`: it is not UTF-8 [main.kdl:2 \"odd.kdl\"]",
            "svc::include-matches-nothing: `x/*.kdl` matches no file [main.kdl:2 \"x/*.kdl\"]",
        ]
    );
}

#[test]
fn a_circle_of_includes_is_said_once_with_its_links() {
    let (read, findings) = loaded(&[
        ("main.kdl", "include \"a.kdl\"\n"),
        ("a.kdl", "include \"b.kdl\"\n"),
        ("b.kdl", "\ninclude \"./a.kdl\"\n"),
    ]);
    assert_eq!(read, ["main.kdl", "a.kdl", "b.kdl"]);
    assert_eq!(
        findings,
        ["svc::include-cycle: `a.kdl` includes itself [b.kdl:2 \"./a.kdl\", a.kdl:1 \"b.kdl\"]"]
    );
}

#[test]
fn files_that_include_each_other_too_far_are_said_where_they_do() {
    let names: Vec<String> = (0..=20).map(|n| format!("{n}.kdl")).collect();
    let memory = Memory(
        (0..20)
            .map(|n| {
                let text = format!("include \"{}.kdl\"\n", n + 1);
                (PathBuf::from(&names[n]), &*Box::leak(text.into_boxed_str()))
            })
            .collect(),
    );
    let mut findings = Diagnostics::default();
    let Sources { map, files } = load(&[PathBuf::from("0.kdl")], &memory, &mut findings);
    assert_eq!(files.len(), 17, "the first one and 16 below it");
    let said: Vec<String> = findings.iter().map(|finding| told(finding, &map)).collect();
    assert_eq!(
        said,
        ["svc::include-depth: more than 16 files include each other in a row [16.kdl:1 \"17.kdl\"]"]
    );
}

#[test]
fn files_belong_to_the_layer_of_the_one_that_was_asked_for() {
    let memory = Memory(
        [
            ("a.kdl", "include \"a1.kdl\"\n"),
            ("a1.kdl", ""),
            ("b.kdl", "include \"b1.kdl\"\n"),
            ("b1.kdl", ""),
        ]
        .map(|(path, text)| (PathBuf::from(path), text))
        .into(),
    );
    let mut findings = Diagnostics::default();
    let roots = ["a.kdl", "b.kdl"].map(PathBuf::from);
    let Sources { files, .. } = load(&roots, &memory, &mut findings);
    let layers: Vec<(&str, usize)> =
        files.iter().map(|file| (file.path.to_str().expect("UTF-8"), file.layer)).collect();
    assert_eq!(layers, [("a.kdl", 0), ("a1.kdl", 0), ("b.kdl", 1), ("b1.kdl", 1)]);
    assert!(findings.is_empty());
}

#[test]
fn a_file_included_twice_is_said_with_both_places() {
    let (_, findings) =
        loaded(&[("main.kdl", "include \"a.kdl\"\ninclude \"x/../a.kdl\"\n"), ("a.kdl", "service a\n")]);
    assert_eq!(
        findings,
        ["svc::included-twice: `a.kdl` is included twice [main.kdl:2 \"x/../a.kdl\", main.kdl:1 \"a.kdl\"]"]
    );
}

#[test]
fn an_include_of_nothing_or_of_a_number_is_a_mistake() {
    let (_, findings) = loaded(&[("main.kdl", "include\ninclude 5\n")]);
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding.starts_with("svc::bad-include")), "{findings:?}");
}
