//! The guide of diagnostics: wrong files a newcomer would write, each with the answer svc gives.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use svc::compile::compile;
use svc::diagnostic::rule::{FIRST_FILE, files};
use svc::diagnostic::{Look, human};

use super::samples::{flags, machine, options};

/// The titles of the folders below `tests/compile/guide`.
const SECTIONS: [(&str, &str); 5] = [
    ("1-supervisord", "Coming from supervisord"),
    ("2-compose", "Coming from compose"),
    ("3-systemd", "Coming from systemd"),
    ("4-kdl", "Writing KDL"),
    ("5-services", "Services together, and the machine"),
];

/// Reads the files of a folder in the order of their numbers: title and text.
fn stories(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let title = |path: &Path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let (_, words) = name.split_once('-').expect("a number and words");
        let words = words.replace('-', " ");
        words[..1].to_uppercase() + &words[1..]
    };
    paths.iter().map(|path| (title(path), fs::read_to_string(path).expect("readable"))).collect()
}

/// Returns what `svc check` prints about a file that lies in `/shop`, where one is.
fn answer(text: &str) -> String {
    let mut machine = machine();
    let folder = Path::new("/shop");
    let programs = ["/shop/worker", "/shop/migrate", "/shop/drain", "/bin/pg_dump"];
    machine.programs.extend(programs.map(PathBuf::from));
    machine.files.extend(files(text).into_iter().map(|(name, text)| (folder.join(name), text.into())));
    machine.files.insert("/shop/web.env".into(), "MODE=production\n".into());
    let mut compiled = compile(&[folder.join(FIRST_FILE)], &machine, options(flags(text)));
    compiled.sources.name_from("/shop");
    assert!(!compiled.diagnostics.is_empty(), "nothing is wrong with\n{text}");
    let mut shown = String::new();
    human(&mut shown, &compiled.diagnostics, &compiled.sources, &Look::default()).expect("a string");
    shown
}

fn page() -> (String, usize) {
    let mut page = String::from(
        "# What svc says about wrong files\n\n\
         Files as one writes them on the first day, and what `svc check` answers: everything that is wrong, in one run, each at its exact\n\
         place, with what to write instead. A line `--- NAME ---` begins another file beside the first. `svc explain CODE` says more about a code; [all codes](../reference/diagnostics.md) are listed too.\n\n\
         A test compares every answer with what svc prints (`UPDATE=1 cargo test --test it guide` writes this page).\n",
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile/guide");
    let mut count = 0;
    for (folder, section) in SECTIONS {
        write!(page, "\n## {section}\n").expect("a string");
        for (title, text) in stories(&root.join(folder)) {
            let text = text.trim_end();
            let answer = answer(&format!("{text}\n"));
            let answer: Vec<&str> = answer.trim_end().lines().map(str::trim_end).collect();
            let answer = answer.join("\n");
            write!(page, "\n### {title}\n\n```kdl\n{text}\n```\n\n```text\n{answer}\n```\n")
                .expect("a string");
            count += 1;
        }
    }
    (page, count)
}

#[test]
fn the_guide_shows_what_is_really_said() {
    let (page, count) = page();
    assert!(count >= 30, "{count} stories");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/diagnostics.md");
    #[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes the page")]
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &page).expect("the page can be written");
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == page,
        "docs/guide/diagnostics.md is not what svc says: run UPDATE=1 cargo test --test it guide"
    );
}
