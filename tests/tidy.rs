//! The house rules a compiler does not check: which room uses which, how files open, how long they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may use; docs/ARCHITECTURE.md shows the same table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("diagnostic", &["base"]),
    ("syntax", &["base", "diagnostic"]),
    ("schema", &["base", "diagnostic", "syntax"]),
    ("probe", &["base", "diagnostic", "schema"]),
    ("model", &["base", "diagnostic", "schema", "probe", "syntax"]),
    ("graph", &["base", "diagnostic", "model", "probe"]),
    ("compile", &["base", "diagnostic", "syntax", "schema", "probe", "model", "graph"]),
    ("engine", &["base", "model", "probe", "graph"]),
    ("sys", &["base"]),
    ("guard", &["base", "sys"]),
    ("logs", &["base", "model", "sys"]),
    (
        "runtime",
        &[
            "base",
            "diagnostic",
            "syntax",
            "model",
            "probe",
            "graph",
            "compile",
            "engine",
            "sys",
            "guard",
            "logs",
        ],
    ),
    ("control", &["base", "diagnostic", "model", "probe", "graph", "engine", "runtime", "logs"]),
    (
        "cli",
        &[
            "base",
            "diagnostic",
            "syntax",
            "schema",
            "probe",
            "model",
            "graph",
            "compile",
            "engine",
            "sys",
            "guard",
            "logs",
            "runtime",
            "control",
        ],
    ),
];

/// A file past this length is several things.
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `folder` with its text, in order.
fn rust_files(folder: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folder is readable") {
            let path = entry.expect("entry is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("file is readable");
                found.insert(path.strip_prefix(root()).expect("under root").to_owned(), text);
            }
        }
    }
    found
}

/// The room a file of `src` belongs to; `None` for `main.rs` and `lib.rs`.
fn room_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "main" && room != "lib").then(|| room.to_owned())
}

/// Words that follow `crate::` in the code of a file, with their line numbers.
fn rooms_used(text: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            used.push((number + 1, word));
        }
    }
    used
}

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(room, may)| (*room, may.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let Some(room) = room_of(&path) else { continue };
        let Some(may) = table.get(room.as_str()) else {
            wrong.push(format!("{}: the room `{room}` is not in the table", path.display()));
            continue;
        };
        for (line, used) in rooms_used(&text) {
            if used.is_empty() {
                wrong.push(format!("{}:{line}: `crate::{{…}}` hides the rooms it uses", path.display()));
            } else if used != room && !may.contains(used.as_str()) && table.contains_key(used.as_str()) {
                wrong.push(format!("{}:{line}: `{room}` may not use `{used}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_of_the_table_exists() {
    for (room, _) in MAY_USE {
        assert!(root().join(format!("src/{room}.rs")).exists(), "src/{room}.rs is missing");
    }
}

#[test]
fn the_architecture_page_shows_the_same_table() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page exists");
    for (room, may) in MAY_USE {
        let uses = if may.is_empty() {
            "–".to_owned()
        } else if *room == "cli" {
            "everything".to_owned()
        } else {
            may.join(", ")
        };
        let row = format!("| {room} | {uses} |");
        assert!(page.contains(&row), "docs/ARCHITECTURE.md lacks the row `{row}`");
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for (path, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        assert!(text.starts_with("//! "), "{} does not open with `//!`", path.display());
    }
}

#[test]
fn no_file_is_several_things() {
    for (path, text) in rust_files("src") {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", path.display());
    }
}

#[test]
fn unsafe_code_is_lifted_in_sys_alone() {
    for (path, text) in rust_files("src") {
        if room_of(&path).as_deref() != Some("sys") {
            assert!(!text.contains("unsafe_code"), "{} lifts `unsafe_code`", path.display());
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let later = ["TODO", "FIXME", "XXX"];
    for (path, text) in rust_files("src") {
        for word in later {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
    }
}

/// What a decision says is shown by a test is shown by one that exists.
#[test]
fn every_test_that_a_decision_names_exists() {
    let scenarios = root().join("tests/engine/scenario");
    let scenarios = fs::read_dir(scenarios).expect("the folder is readable");
    let scenarios = scenarios
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"));
    let mut known: BTreeSet<String> = BTreeSet::new();
    for path in scenarios {
        let text = fs::read_to_string(path).expect("the file is readable");
        known.extend(
            text.lines().filter_map(|line| line.strip_prefix("== ")).map(|title| title.replace('`', "'")),
        );
    }
    for (_, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        let names =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.strip_suffix("() {"));
        known.extend(names.map(str::to_owned));
    }
    let decision = root().join("docs/decisions/0002-behaviours-of-dinit.md");
    let decision = fs::read_to_string(decision).expect("the file is readable");
    let mut named = 0;
    for row in decision.lines().filter(|line| line.starts_with("| ")) {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        for name in shown_by.split('`').skip(1).step_by(2) {
            assert!(known.contains(name), "no scenario and no test is called `{name}`");
            named += 1;
        }
    }
    assert!(named > 50, "only {named} are named");
}
