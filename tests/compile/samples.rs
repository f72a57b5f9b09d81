//! Each sample file and what is said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svc::compile::{Compiled, Memory, Options, compile, override_of};
use svc::diagnostic::rule::{FIRST_FILE, files};
use svc::diagnostic::{Look, human};
use svc::graph::Account;

/// A machine with what the samples need.
pub(crate) fn machine() -> Memory {
    let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect();
    Memory {
        env: [("PATH", "/bin"), ("HOME", "/root")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        programs: paths(&[
            "/shop/web",
            "/shop/api",
            "/shop/a",
            "/bin/sh",
            "/shop/db",
            "/shop/t",
            "/shop/s",
            "/shop/u",
        ]),
        folders: paths(&["/shop", "/bin"]),
        users: [("app".to_owned(), Account { gid: 8, groups: vec![8], ..Account::numbered(7) })].into(),
        groups: [("app".to_owned(), 8)].into(),
        profiles: BTreeSet::new(),
        scales: BTreeMap::new(),
        ports: BTreeMap::new(),
        files: [(PathBuf::from("/shop/bad.env"), Arc::from("GOOD=1\nnonsense\n"))].into(),
    }
}

/// Compiles one text as `/shop/services.kdl`; `--- NAME ---` begins another file beside it.
pub(crate) fn compiled(text: &str) -> Compiled {
    compiled_with(text, options(""))
}

/// Reads flags of `svc check`.
pub(crate) fn options(flags: &str) -> Options {
    let mut options = Options::default();
    let mut words = flags.split_whitespace();
    while let Some(word) = words.next() {
        match (word, words.next()) {
            ("--strict-paths", None) => options.strict_paths = true,
            ("--stop-budget", Some(limit)) => {
                options.stop_budget = Some(svc::base::duration::parse(limit).expect("a duration"));
            }
            _ => panic!("this test does not know the flags `{flags}`"),
        }
    }
    options
}

/// The flags in a first line like `// svc check --strict-paths`.
pub(crate) fn flags(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix("// svc check ")).unwrap_or_default()
}

fn compiled_with(text: &str, options: Options) -> Compiled {
    let (machine, roots) = project(text);
    compile(&roots, &machine, options)
}

/// Returns a machine with the files of a text, and those of them that are compiled.
pub(crate) fn project(text: &str) -> (Memory, Vec<PathBuf>) {
    let mut machine = machine();
    let folder = Path::new("/shop");
    let text = format!("{text}\n");
    machine.files.extend(files(&text).into_iter().map(|(name, text)| (folder.join(name), text.into())));
    let roots = roots(&machine, folder.join(FIRST_FILE));
    (machine, roots)
}

/// The file and what is laid over it, when that is there.
pub(crate) fn roots(machine: &Memory, root: PathBuf) -> Vec<PathBuf> {
    let laid_over = override_of(&root).filter(|path| machine.files.contains_key(path));
    std::iter::once(root).chain(laid_over).collect()
}

/// Shows what is wrong: place, message, labels with the text they underline, help.
pub(crate) fn said(compiled: &Compiled) -> String {
    let mut text = String::new();
    for found in compiled.diagnostics.iter() {
        let severity = format!("{:?}", found.severity).to_lowercase();
        writeln!(text, "{severity} {}: {}", found.code, found.message).expect("a string takes everything");
        for label in &found.labels {
            let place = match compiled.sources.location(label.span.lo) {
                Some(at) => format!("{}:{}", at.line, at.column),
                None => "?".to_owned(),
            };
            let under = compiled.sources.text(label.span).lines().next().unwrap_or_default();
            writeln!(text, "  {place} `{under}` {}", label.text).expect("a string takes everything");
        }
        if let Some(help) = &found.help {
            writeln!(text, "  help: {help}").expect("a string takes everything");
        }
    }
    text.replace(" \n", "\n")
}

pub(crate) fn samples(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile").join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the samples are there") {
        let path = entry.expect("readable").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        found.push((name, fs::read_to_string(&path).expect("readable")));
    }
    found.sort();
    found
}

#[test]
fn every_mistake_of_a_sample_is_said() {
    for (name, text) in samples("err") {
        let mut compiled = compiled_with(&text, options(flags(&text)));
        compiled.sources.name_from("/shop");
        assert!(!compiled.diagnostics.is_empty(), "nothing is wrong with {name}");
        let mut shown = String::new();
        human(&mut shown, &compiled.diagnostics, &compiled.sources, &Look::default())
            .expect("a string takes everything");
        insta::assert_snapshot!(format!("err-{name}"), shown);
    }
}

#[test]
fn a_right_sample_becomes_a_plan() {
    for (name, text) in samples("ok") {
        let compiled = compiled(&text);
        let Some(plan) = &compiled.plan else { panic!("{name}:\n{}", said(&compiled)) };
        let mut shown = said(&compiled);
        for instance in &plan.instances {
            let launch = &instance.launch;
            let rules = &plan.services[instance.service.0 as usize].rules;
            writeln!(shown, "{} {:?}", instance.name, launch.argv).expect("a string takes everything");
            for (key, value) in &launch.env {
                writeln!(shown, "  {key}={value:?}").expect("a string takes everything");
            }
            writeln!(shown, "  {:?}\n  {:?}", rules.restart, rules.stop).expect("a string takes everything");
        }
        insta::assert_snapshot!(format!("ok-{name}"), shown);
    }
}

#[test]
fn what_is_not_there_is_a_warning_until_paths_are_strict() {
    let text = "service \"a\" { command \"nothing\" }\nservice \"b\" { command \"./web\"; working-dir \"nowhere\" }\n";
    let mut machine = machine();
    let path = PathBuf::from("/shop/services.kdl");
    machine.files.insert(path.clone(), text.into());
    let paths = [path];
    let usual = compile(&paths, &machine, Options::default());
    assert_eq!((usual.plan.is_some(), usual.diagnostics.counts()), (true, (0, 2)), "{}", said(&usual));
    let strict = compile(&paths, &machine, Options { strict_paths: true, ..Options::default() });
    assert!(strict.plan.is_none());
    insta::assert_snapshot!("strict-paths", said(&strict));
}

#[test]
fn templates_that_extend_each_other_too_far_are_said_where_they_do() {
    let mut text = String::from("template \"t0\" { command \"./web\" }\n");
    for n in 1..=40 {
        writeln!(text, "template \"t{n}\" extends=t{}", n - 1).expect("a string takes everything");
    }
    text += "service \"web\" extends=t40\n";
    assert_eq!(
        said(&compiled(&text)),
        "error svc::template-depth: more than 32 templates extend each other\n  34:24 `t32` with this one\n  help: merge some of them into one\n"
    );
}

#[test]
fn mistakes_of_an_included_file_are_said_in_it() {
    let mut machine = machine();
    let path = PathBuf::from("/shop/services.kdl");
    let files = [
        (path.clone(), "include \"more/*.kdl\"\nservice \"a\" { command \"./a\"; depends-on b c }\n"),
        (
            "/shop/more/b.kdl".into(),
            "service \"b\" { command \"./b\"; restart sometimes; working-dir \"x\" }\n",
        ),
        ("/shop/more/c.kdl".into(), "service \"c\" { comand \"./c\" }\n"),
    ];
    machine.files.extend(files.map(|(path, text)| (path, text.into())));
    let compiled = compile(&[path], &machine, Options::default());
    let places: Vec<String> = compiled
        .diagnostics
        .iter()
        .filter_map(|found| {
            compiled.sources.location(found.span().lo).map(|at| format!("{} {}", at.file, found.code))
        })
        .collect();
    assert_eq!(places, ["/shop/more/b.kdl svc::unknown-word", "/shop/more/c.kdl svc::unknown-node"]);
}

#[test]
fn every_report_fits_into_the_width_it_is_drawn_for() {
    for width in [60, 80, 100] {
        for (name, text) in samples("err") {
            let compiled = compiled_with(&text, options(flags(&text)));
            let mut shown = String::new();
            let look = Look { width, ..Look::default() };
            human(&mut shown, &compiled.diagnostics, &compiled.sources, &look).expect("a string");
            // Words below a place at the far right keep a dozen columns, come what may.
            let room = |line: &str| if line.contains('·') { width + 12 } else { width };
            let wide = shown.lines().find(|line| line.chars().count() > room(line));
            assert!(wide.is_none(), "{name} in {width} columns: {}\n{shown}", wide.unwrap_or_default());
        }
    }
}
