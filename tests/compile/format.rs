//! Formatting changes no plan, and what the project shows is formatted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use svc::compile::{Options, compile};
use svc::diagnostic::Diagnostics;
use svc::syntax::format::format;

use super::samples::{compiled, machine, samples};
use crate::support::grammar;
use crate::support::meaning::meaning;

fn formatted(text: &str) -> Option<String> {
    format(&Arc::from(text), 0, &mut Diagnostics::default()).ok()
}

#[test]
fn formatting_a_sample_changes_neither_its_plan_nor_its_mistakes() {
    let mut seen = 0;
    for (name, text) in samples("ok").into_iter().chain(samples("err")) {
        let Some(tidy) = formatted(&text) else { continue };
        seen += 1;
        assert_eq!(formatted(&tidy).as_ref(), Some(&tidy), "{name}");
        assert_eq!(meaning(&compiled(&text)), meaning(&compiled(&tidy)), "{name}");
    }
    assert!(seen > 20, "only {seen}");
}

#[test]
fn formatting_an_example_does_not_change_its_plan() {
    for path in kdl_files("examples") {
        let text = fs::read_to_string(&path).expect("readable");
        // Written without any of the form that it has.
        let ugly = text.replace("    ", "\t").replace(" {\n", "{\n\n\n").replace('\n', "  \r\n");
        let of = |text: &str| {
            let mut machine = machine();
            machine.files.insert(path.clone(), text.into());
            meaning(&compile(std::slice::from_ref(&path), &machine, Options::default()))
        };
        let tidy = formatted(&ugly).expect("no mistakes");
        assert_eq!(of(&ugly), of(&tidy), "{}", path.display());
    }
}

#[test]
fn formatting_what_the_tables_allow_does_not_change_its_plan() {
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut right = 0;
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    let right = std::cell::Cell::from_mut(&mut right);
    let outcome = runner.run(&bytes, |bytes| {
        let text = grammar::document(&bytes);
        let wrong = |why: &str| TestCaseError::fail(format!("{why}:\n{text}"));
        let tidy = formatted(&text).ok_or_else(|| wrong("has mistakes or reads differently"))?;
        if formatted(&tidy).as_ref() != Some(&tidy) {
            return Err(wrong("is not stable"));
        }
        let (before, after) = (compiled(&text), compiled(&tidy));
        right.set(right.get() + u32::from(before.plan.is_some()));
        let (before, after) = (meaning(&before), meaning(&after));
        if before != after {
            return Err(wrong(&format!("means\n{after}\ninstead of\n{before}")));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(right.get() > 50, "only {} of them compile", right.get());
}

#[test]
fn what_the_project_shows_is_formatted() {
    let mut shown: Vec<(String, String)> = Vec::new();
    for path in kdl_files("examples").into_iter().chain(kdl_files("tests/compile/ok")) {
        shown.push((path.display().to_string(), fs::read_to_string(&path).expect("readable")));
    }
    // The files of the page of mistakes are as short and as odd as their mistakes ask for.
    let pages = files("docs", "md").into_iter().filter(|page| !page.ends_with("reference/diagnostics.md"));
    for path in std::iter::once(PathBuf::from("README.md")).chain(pages) {
        let page = fs::read_to_string(&path).expect("readable");
        for block in page.split("```kdl\n").skip(1) {
            shown
                .push((path.display().to_string(), block.split("```").next().unwrap_or_default().to_owned()));
        }
    }
    let mut wrong = String::new();
    for (name, text) in &shown {
        let mut findings = Diagnostics::default();
        let Ok(tidy) = format(&Arc::from(text.as_str()), 0, &mut findings) else { continue };
        // A file that shows an odd spelling has it.
        if tidy != *text && findings.is_empty() {
            wrong += &format!("== {name}\n{text}== should be\n{tidy}");
        }
    }
    assert!(wrong.is_empty(), "not formatted (`svc fmt FILE`):\n{wrong}");
    assert!(shown.len() > 10, "only {}", shown.len());
}

fn kdl_files(folder: &str) -> Vec<PathBuf> {
    files(folder, "kdl")
}

/// Every file under a folder whose name ends so, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_page_of_limits_says_the_limits() {
    let page = fs::read_to_string("docs/reference/limits.md").expect("readable");
    let rows = [
        format!("| {} MiB |", svc::runtime::read::MAX_FILE >> 20),
        format!("| Blocks in blocks | {} |", svc::syntax::MAX_DEPTH),
    ];
    for row in rows {
        assert!(page.contains(&row), "`{row}`");
    }
}
