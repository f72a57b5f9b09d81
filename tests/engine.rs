//! Scenarios and the simulation of the supervision engine.

mod restore;
mod script;
mod sim;

use std::fs;
use std::path::{Path, PathBuf};

/// Every scenario file, in order.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/scenario");
    let entries = fs::read_dir(&folder).expect("the folder is readable");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}

/// Each scenario is a script of what happens; lines with `>` are what the engine wants done about it.
/// To write them anew after a change of behaviour: delete them, run this, and review what it wrote
/// beside the file as `.new`.
#[test]
fn the_engine_does_what_every_scenario_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files() {
        if file.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("the file is readable");
        let (played, scenarios) = script::play(&text);
        count += scenarios;
        if played != text {
            let new = file.with_extension("new");
            fs::write(&new, &played).expect("the folder is writable");
            let differs = text.lines().zip(played.lines()).enumerate().find(|(_, (a, b))| a != b);
            let at = differs.map(|(line, (a, b))| format!("line {}: `{a}`, but it was `{b}`", line + 1));
            wrong.push(format!("{}: {}", file.display(), at.unwrap_or("the end differs".to_owned())));
        }
    }
    assert!(count >= 60, "only {count} scenarios were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
