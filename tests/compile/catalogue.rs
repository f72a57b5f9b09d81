//! The catalogue of codes as data: complete, true, and printed as the page of diagnostics.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use svc::compile::{Compiled, Memory, catalogue, compile};
use svc::diagnostic::rule::{files, shown};
use svc::diagnostic::{Example, Rule, Severity};

use super::samples::{machine, options, roots, said};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Collects the files below a folder whose names end with `.rs`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Returns what stands in quotes and looks like a code.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |text: &&str| {
        text.starts_with("svc::")
            && text.len() > 5
            && text[5..].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    text.split('"').skip(1).filter(is_code)
}

#[test]
fn every_code_of_the_sources_is_in_the_catalogue_and_the_other_way_round() {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    let mut used = BTreeSet::new();
    for path in paths {
        if path.ends_with("tests.rs") || path.starts_with(root().join("src/compile/catalogue")) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        used.extend(codes(code).map(str::to_owned));
    }
    let known: BTreeSet<String> = catalogue::rules().map(|rule| rule.code.to_owned()).collect();
    assert!(used.len() > 50, "the scan finds the codes: {used:?}");
    let missing: Vec<&String> = used.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&used).collect();
    assert!(missing.is_empty(), "without a row in src/compile/catalogue: {missing:?}");
    assert!(gone.is_empty(), "in the catalogue and nowhere else: {gone:?}");
}

#[test]
fn rows_are_in_order_and_written_in_the_same_way() {
    let mut seen = BTreeSet::new();
    for (section, rules) in catalogue::SECTIONS {
        let sorted = rules.windows(2).all(|pair| pair[0].code < pair[1].code);
        assert!(sorted, "`{section}` is in the order of its codes");
        for Rule { code, title, cause, example, .. } in *rules {
            assert!(seen.insert(*code), "{code} has two rows");
            let end = title.chars().last().expect(code);
            assert!(end != '.' && !title.contains('\n'), "{code}: a title is a phrase: {title}");
            assert!(!title.starts_with(char::is_uppercase), "{code}: {title}");
            assert!(
                cause.ends_with(['.', '`']) && cause.starts_with(|c: char| !c.is_lowercase()),
                "{code}: {cause}"
            );
            match example {
                Example::Files { wrong, fixed, .. } => assert!(
                    wrong.starts_with('\n') && fixed.starts_with('\n') && wrong != fixed,
                    "{code}: an example begins on a line of its own"
                ),
                Example::None(why) => assert!(!why.is_empty(), "{code} has neither an example nor a reason"),
            }
        }
    }
}

/// A machine with what the examples need.
fn world(example: &str) -> (Memory, PathBuf) {
    let mut machine = machine();
    let programs = ["/shop/worker", "/shop/migrate", "/shop/drain", "/bin/pg_dump"];
    machine.programs.extend(programs.map(PathBuf::from));
    let nobody = svc::graph::Account::numbered(65534);
    machine.users.insert("nobody".to_owned(), nobody);
    let folder = Path::new("/shop");
    machine.files.extend(files(example).into_iter().map(|(name, text)| (folder.join(name), text.into())));
    (machine, folder.join(svc::diagnostic::rule::FIRST_FILE))
}

fn compiled(example: &str, flags: &str) -> Compiled {
    let (machine, first) = world(example);
    compile(&roots(&machine, first), &machine, options(flags))
}

#[test]
fn a_wrong_example_has_its_code_and_nothing_else_and_a_fixed_one_has_nothing() {
    let mut wrong_ones = String::new();
    for Rule { code, severity, example, .. } in catalogue::rules() {
        let Example::Files { wrong, fixed, flags } = example else { continue };
        let found = compiled(wrong, flags);
        let as_told = |d: &svc::diagnostic::Diagnostic| d.code == *code && d.severity == *severity;
        if found.diagnostics.is_empty() || !found.diagnostics.iter().all(as_told) {
            write!(wrong_ones, "--- {code}, {severity:?}, wrong:\n{}", said(&found)).expect("a string");
        }
        let mended = compiled(fixed, flags);
        if mended.plan.is_none() || !mended.diagnostics.is_empty() {
            write!(wrong_ones, "--- {code}, fixed:\n{}", said(&mended)).expect("a string");
        }
    }
    assert!(wrong_ones.is_empty(), "{wrong_ones}");
}

#[test]
fn a_code_without_an_example_has_a_test_of_its_own() {
    let mut paths = Vec::new();
    sources(&root().join("tests"), &mut paths);
    sources(&root().join("src"), &mut paths);
    let tests: Vec<String> = paths
        .into_iter()
        .filter(|path| !path.ends_with("catalogue.rs"))
        .map(|path| {
            (
                path.starts_with(root().join("tests")) || path.ends_with("tests.rs"),
                fs::read_to_string(path).expect("readable"),
            )
        })
        .filter_map(|(whole, text)| match text.split_once("#[cfg(test)]\nmod tests {") {
            _ if whole => Some(text),
            Some((_, tests)) => Some(tests.to_owned()),
            None => None,
        })
        .collect();
    let bare = catalogue::rules().filter(|rule| matches!(rule.example, Example::None(_)));
    let bare: Vec<&str> = bare.map(|rule| rule.code).collect();
    let expected = [
        "svc::include-depth",
        "svc::too-deep",
        "svc::too-large",
        "svc::template-depth",
        "svc::cannot-start",
        "svc::not-yet",
    ];
    assert_eq!(bare, expected);
    for code in bare {
        assert!(tests.iter().any(|text| text.contains(code)), "no test speaks of {code}");
    }
}

#[test]
fn a_code_is_found_with_and_without_its_prefix_and_a_mistyped_one_nearly() {
    let found = |code| catalogue::find(code).map(|rule| rule.code);
    assert_eq!(found("svc::port-clash"), Some("svc::port-clash"));
    assert_eq!(found("port-clash"), Some("svc::port-clash"));
    assert_eq!(found("port-crash"), None);
    assert_eq!(catalogue::nearest("port-crash"), Some("svc::port-clash"));
    assert_eq!(catalogue::nearest("svc::prot_clash"), Some("svc::port-clash"));
    assert_eq!(catalogue::nearest("weather"), None);
}

fn page() -> String {
    let mut page = String::from(
        "# Diagnostics\n\nEvery code that `svc check` and `svc up` can print; `svc explain CODE` shows the same. A code is stable: \
         once released it keeps its\nmeaning.\n\nMade of the table in `src/compile/catalogue`; a test keeps it so \
         (`UPDATE=1 cargo test --test it catalogue` writes it).\n",
    );
    for (section, rules) in catalogue::SECTIONS {
        write!(page, "\n## {section}\n\n| code | | |\n|---|---|---|\n").expect("a string");
        for Rule { code, severity, title, .. } in *rules {
            let anchor = code.replace(':', "");
            writeln!(page, "| [{code}](#{anchor}) | {} | {title} |", word(*severity)).expect("a string");
        }
        rules.iter().for_each(|rule| entry(&mut page, rule));
    }
    page
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn entry(page: &mut String, rule: &Rule) {
    let Rule { code, severity, title, cause, .. } = rule;
    write!(page, "\n### {code}\n\n*{}: {title}*\n\n{cause}\n", word(*severity)).expect("a string");
    if let Example::Files { wrong, fixed, flags } = rule.example {
        let with = if flags.is_empty() { String::new() } else { format!(", with `svc check {flags}`") };
        let (wrong, fixed) = (shown(wrong), shown(fixed));
        write!(page, "\nWrong{with}:\n\n```kdl\n{wrong}```\n\nRight:\n\n```kdl\n{fixed}```\n")
            .expect("a string");
    }
}

#[test]
fn the_page_of_diagnostics_is_what_the_catalogue_says() {
    let page = page();
    let file = root().join("docs/reference/diagnostics.md");
    #[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes the page")]
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &page).expect("the page can be written");
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == page,
        "docs/reference/diagnostics.md is not what the catalogue says: run UPDATE=1 cargo test --test it catalogue"
    );
}

#[test]
fn a_correction_that_is_called_certain_mends_what_it_is_offered_for() {
    let examples = catalogue::rules().filter_map(|rule| match rule.example {
        Example::Files { wrong, .. } => Some((rule.code.to_owned(), shown(wrong))),
        Example::None(_) => None,
    });
    let mut tried = 0;
    for (name, text) in examples.chain(super::samples::samples("err")) {
        let before = compiled(&text, "");
        let count =
            |compiled: &Compiled, code: &str| compiled.diagnostics.iter().filter(|d| d.code == code).count();
        for finding in before.diagnostics.iter() {
            let Some(fix) = &finding.fix else { continue };
            let source = before.sources.source_at(fix.span.lo).expect("a correction is in a source");
            if !source.name.ends_with("services.kdl") || text.contains('⟨') {
                continue;
            }
            let mut mended = text.clone();
            mended.replace_range(source.range(fix.span), &fix.with);
            let after = compiled(&mended, "");
            assert!(
                count(&after, finding.code) < count(&before, finding.code),
                "{name}: {} is not mended by {fix:?}:\n{mended}\n{}",
                finding.code,
                said(&after)
            );
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} corrections were tried");
}

#[test]
fn everything_the_catalogue_shows_is_a_valid_sarif_log() {
    let file = root().join("tests/schemas/sarif-2.1.0.json");
    let schema = serde_json::from_str(&fs::read_to_string(file).expect("the schema")).expect("it is JSON");
    let mut log = svc::diagnostic::Sarif::new(catalogue::find);
    for rule in catalogue::rules() {
        if let Example::Files { wrong, flags, .. } = rule.example {
            let found = compiled(wrong, flags);
            log.add(&found.diagnostics, &found.sources);
        }
    }
    let log: serde_json::Value = serde_json::from_str(&log.finish("0")).expect("it is JSON");
    assert_eq!(crate::support::schema::violations(&schema, &log), [] as [String; 0]);
}
