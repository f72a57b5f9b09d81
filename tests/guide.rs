//! The pages of docs/guide are true: their commands are run on a terminal, and what they print is what the
//! page shows.
//!
//! A `kdl` block of a page is the whole `services.kdl` from there on. In a `console` block a line that
//! begins with `$ ` is a command, and what follows up to the next one is what it leaves on a terminal of 100
//! columns, without its colours. Three things differ from run to run and are compared as `#`: times and
//! durations, numbers of processes, and the ten digits in the name of a project's folder. How many blanks
//! stand between two words depends on them, so that is not compared; blanks at the beginning of a line are.
//! The page's folder is `/home/ada/shop`.
//!
//! `UPDATE=1 cargo test --test it guide` writes what is printed now into the pages.
#![expect(clippy::disallowed_methods, reason = "UPDATE=1 is how a page is written anew")]

use std::path::{Path, PathBuf};

use regex::Regex;

use crate::support::project::TempProject;
use crate::support::terminal::Terminal;

/// A part of a page.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Words for the reader, and the borders of blocks.
    Text(String),
    /// The service file from here on.
    File(String),
    /// A command, and what it prints.
    Command(String, Vec<String>),
}

fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut block = "";
    for line in page.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            parts.push(Part::Text(line.to_owned()));
            block = kind;
            if kind == "kdl" {
                parts.push(Part::File(String::new()));
            }
            continue;
        }
        match (block, parts.last_mut()) {
            ("console", _) if line.starts_with("$ ") => {
                parts.push(Part::Command(line["$ ".len()..].to_owned(), Vec::new()));
            }
            ("console", Some(Part::Command(_, output))) => output.push(line.to_owned()),
            ("kdl", Some(Part::File(text))) => *text += &format!("{line}\n"),
            _ => parts.push(Part::Text(line.to_owned())),
        }
    }
    parts
}

fn written(parts: &[Part]) -> String {
    let mut page = String::new();
    for part in parts {
        match part {
            Part::Text(line) => page += &format!("{line}\n"),
            Part::File(text) => page += text,
            Part::Command(command, output) => {
                page += &format!("$ {command}\n");
                output.iter().for_each(|line| page += &format!("{line}\n"));
            }
        }
    }
    page
}

/// Returns a line with `#` for what differs from run to run.
fn comparable(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let changing = r"\d\d:\d\d:\d\d|\b\d+(\.\d)?(ms|s)\b|\b\d+(m\d\ds|h\d\dm)\b|\b\d{2,7}\b|-[0-9a-f]{10}\b";
    let same = Regex::new(changing).expect("an expression").replace_all(line, "#");
    let words: Vec<&str> = same.split_whitespace().collect();
    " ".repeat(indent) + &words.join(" ")
}

/// Runs a command of a page; returns what it leaves on the terminal.
fn run(project: &TempProject, command: &str) -> Vec<String> {
    let (_, screen) = Terminal::start(project, command).finish();
    let at = |folder: PathBuf| folder.display().to_string();
    let state = at(project.path(".state"));
    let home = at(project.path(""));
    let home = home.trim_end_matches('/');
    let id = Regex::new("/svc/[^/ ]+-([0-9a-f]{10})").expect("an expression");
    let shown = |line: &String| {
        let line = line.replace(&state, "/home/ada/.local/state/svc").replace(home, "/home/ada/shop");
        id.replace_all(&line, "/svc/shop-$1").into_owned()
    };
    screen.iter().map(shown).collect()
}

/// Compares a page with what its commands print, or writes it anew.
fn check(page: &Path) {
    let text = std::fs::read_to_string(page).expect("readable");
    let mut parts = parts(&text);
    assert_eq!(written(&parts), text, "the page is read without a loss");
    let project = TempProject::new("");
    let mut wrong = String::new();
    for part in &mut parts {
        match part {
            Part::Text(_) => {}
            Part::File(text) => project.write("services.kdl", text),
            Part::Command(command, shown) => {
                let printed = run(&project, command);
                let same = |lines: &[String]| lines.iter().map(|line| comparable(line)).collect::<Vec<_>>();
                if same(&printed) != same(shown) {
                    wrong += &format!("$ {command}\n{}\n\n", printed.join("\n"));
                    *shown = printed;
                }
            }
        }
    }
    project.assert_nothing_is_left();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(page, written(&parts)).expect("written");
        return;
    }
    assert!(wrong.is_empty(), "{} differs from what is printed now:\n\n{wrong}", page.display());
}

#[test]
fn what_the_quickstart_shows_is_what_svc_prints() {
    check(Path::new("docs/guide/quickstart.md"));
}

#[test]
fn what_the_page_of_layers_shows_is_what_svc_prints() {
    check(Path::new("docs/guide/layers.md"));
}

#[test]
fn the_page_on_containers_prints_what_it_shows() {
    check(Path::new("docs/guide/containers.md"));
}

#[test]
fn only_times_processes_and_project_folders_may_differ() {
    let same = |a: &str, b: &str| comparable(a) == comparable(b);
    assert!(same("web  ready   1.6s  6143", "web  ready  850ms    71"));
    assert!(same("web is ready since 06:44:01 (59s ago)", "web is ready since 23:01:59 (1m02s ago)"));
    assert!(same("log  /srv/shop-3a3075b9d8/web.log", "log  /srv/shop-aaaaaaaaaa/web.log"));
    assert!(!same("web  ready  1.6s", "web  failed  1.6s"));
    assert!(!same("  web", "web"));
    assert!(!same("1 of 3 ready", "2 of 3 ready"));
}
