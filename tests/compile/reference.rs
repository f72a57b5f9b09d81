//! The tables as data: documented, named once, shown by an example, and printed as the reference.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use svc::compile::Options;
use svc::diagnostic::Diagnostics;
use svc::model::decode::{TOP, described};
use svc::model::resolved::document;
use svc::schema::{Row, RowKind, Spec, print};
use svc::syntax::Node;

use super::samples::{compiled, machine, said};

/// Visits every description once, with the path to it.
fn specs() -> Vec<(String, &'static Spec)> {
    let mut found: Vec<(String, &'static Spec)> = Vec::new();
    let mut rest: Vec<(String, &'static Spec)> =
        TOP.iter().rev().map(|(name, spec)| ((*name).to_owned(), *spec)).collect();
    while let Some((path, spec)) = rest.pop() {
        if found.iter().any(|(_, known)| std::ptr::eq(*known, spec)) {
            continue;
        }
        let children = spec.rows.iter().filter_map(|row| Some((format!("{path} › {}", row.name), row.node?)));
        rest.extend(children.rev().collect::<Vec<_>>());
        found.push((path, spec));
    }
    found
}

#[test]
fn every_row_is_documented_and_has_a_name_of_its_own() {
    for (path, spec) in specs() {
        let mut names = BTreeSet::new();
        for row in spec.rows {
            let single = path.rsplit(' ').next().unwrap_or_default();
            assert!(
                !row.doc.trim().is_empty() || row.name == "value",
                "`{}` of `{single}` is not documented",
                row.name
            );
            let child = matches!(row.kind, RowKind::Child | RowKind::Children | RowKind::AnyChild);
            assert!(names.insert((row.name, child)), "`{}` stands twice in `{path}`", row.name);
        }
    }
}

#[test]
fn every_node_says_what_a_change_does_to_what_runs() {
    for (path, spec) in TOP {
        for row in spec.rows.iter().filter(|row| row.node.is_some()) {
            assert!(row.effect.is_some(), "`{}` of `{path}` does not say so", row.name);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Marks the rows that a node uses, those of its children too.
fn mark(node: Node<'_>, spec: &'static Spec, used: &mut BTreeSet<(*const Spec, usize)>) {
    type Used = BTreeSet<(*const Spec, usize)>;
    let rows = |used: &mut Used, matches: &dyn Fn(&Row) -> bool| {
        let all = spec.rows.iter().enumerate().filter(|(_, row)| matches(row));
        used.extend(all.map(|(at, _)| (std::ptr::from_ref(spec), at)));
    };
    for entry in node.entries() {
        match entry.key() {
            None => rows(used, &|row| matches!(row.kind, RowKind::Argument | RowKind::Arguments)),
            Some((key, _)) => rows(used, &|row| match row.kind {
                RowKind::Property => row.name == key,
                kind => kind == RowKind::AnyProperty,
            }),
        }
    }
    for child in node.children() {
        let is = |row: &Row| match row.kind {
            RowKind::Child | RowKind::Children => row.name == child.name(),
            kind => kind == RowKind::AnyChild,
        };
        rows(used, &is);
        if let Some(spec) = spec.rows.iter().find(|row| is(row)).and_then(|row| row.node) {
            mark(child, spec, used);
        }
    }
}

#[test]
fn the_example_uses_every_row_and_compiles_without_a_word() {
    let text = fs::read_to_string(root().join("examples/everything/services.kdl")).expect("the example");
    let mut machine = machine();
    let path = PathBuf::from("/shop/services.kdl");
    machine.files.insert(path.clone(), text.as_str().into());
    machine
        .files
        .insert("/shop/services/cache.kdl".into(), "service \"cache\" { command \"./web\" }\n".into());
    machine.files.insert("/shop/web.env".into(), "A=1\n".into());
    let compiled =
        svc::compile::compile(&[path], &machine, Options { strict_paths: true, ..Options::default() });
    assert!(compiled.plan.is_some() && compiled.diagnostics.is_empty(), "{}", said(&compiled));
    let document = svc::syntax::parse(&text.as_str().into(), 0, &mut Diagnostics::default());
    let mut used = BTreeSet::new();
    for node in document.nodes() {
        if let Some((_, spec)) = TOP.iter().find(|(name, _)| *name == node.name()) {
            mark(node, spec, &mut used);
        }
    }
    for (path, spec) in specs() {
        for (at, row) in spec.rows.iter().enumerate() {
            assert!(
                used.contains(&(std::ptr::from_ref(spec), at)),
                "the example does not use `{}` of `{path}`",
                row.name
            );
        }
    }
}

#[test]
fn an_include_brings_its_services() {
    let compiled = compiled("include \"nothing-*.kdl\"\nservice \"a\" { command \"./a\" }\n");
    assert!(said(&compiled).contains("matches no file"), "{}", said(&compiled));
}

#[test]
fn what_is_printed_of_the_tables_is_what_lies_in_the_tree() {
    let top = described();
    let printed = [
        ("docs/reference/services-kdl.md", print::markdown(&top)),
        ("schemas/services.kdl-schema.kdl", print::kdl(&top)),
        ("schemas/config.schema.json", format!("{:#}\n", document::schema())),
        ("fuzz/services.dict", print::dictionary(&top)),
    ];
    for (path, text) in printed {
        let file = root().join(path);
        #[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes the files")]
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
            fs::write(&file, &text).expect("the file can be written");
        }
        let there = fs::read_to_string(&file).unwrap_or_default();
        assert!(there == text, "{path} is not what the tables say: run UPDATE=1 cargo test reference");
    }
}

#[test]
fn the_schema_for_editors_is_kdl_and_names_every_row() {
    let schema = print::kdl(&described());
    let document: kdl::KdlDocument = schema.parse().expect("it is KDL");
    let root = document.get("document").expect("a document").children().expect("a block");
    assert!(root.nodes().iter().filter(|node| node.name().value() == "node").count() > 6);
    for (path, spec) in specs() {
        for row in spec.rows {
            let named = format!("{:?}", row.name);
            let there = match row.kind {
                RowKind::Property => schema.contains(&format!("prop {named} ")),
                RowKind::Child | RowKind::Children => schema.contains(&format!("node {named} ")),
                RowKind::Argument | RowKind::Arguments | RowKind::AnyProperty | RowKind::AnyChild => true,
            };
            assert!(there, "`{}` of `{path}` is not in the schema", row.name);
        }
    }
}

#[test]
fn a_word_of_the_dictionary_is_one_line_of_printable_characters() {
    let dictionary = print::dictionary(&described());
    for line in dictionary.lines() {
        let word = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        assert!(word.is_some_and(|word| !word.is_empty() && word.is_ascii()), "{line}");
    }
    for word in ["depends-on", "on-failure", "PROCESS_STATE_FATAL", "10m"] {
        assert!(dictionary.contains(&format!("\"{word}\"\n")), "{word}");
    }
}
