//! The tables as data: documented, named once, shown by an example, and printed as the reference.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use svc::compile::Options;
use svc::diagnostic::Diagnostics;
use svc::model::decode::TOP;
use svc::schema::{Effect, Row, RowKind, Spec};
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

fn table(page: &mut String, spec: &Spec) {
    page.push_str("| | name | value | default | | since | effect |\n|---|---|---|---|---|---|---|\n");
    for row in spec.rows {
        let Row { kind, name, ty, default, doc, since, effect, node } = row;
        let kind = match kind {
            RowKind::Argument => "argument",
            RowKind::Arguments => "arguments",
            RowKind::Property | RowKind::AnyProperty => "property",
            RowKind::Child | RowKind::AnyChild => "node",
            RowKind::Children => "node, repeatable",
        };
        let single = node.map(|node| node.rows).and_then(|rows| rows.iter().find(|row| row.name == "value"));
        let ty = single.map_or(*ty, |row| row.ty);
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let effect = effect.map_or("", Effect::word);
        let (ty, doc) = (ty.replace('|', "\\|"), doc.trim());
        writeln!(page, "| {kind} | `{name}` | {ty} | {default} | {doc} | {since} | {effect} |")
            .expect("a string");
    }
}

#[test]
fn the_reference_page_is_what_the_tables_say() {
    let mut page = String::from(
        "# The service file\n\nMade of the tables in `src/model/node`; a test keeps it so (`UPDATE=1 cargo test reference` writes it).\n\nThe last column says what a change does to a service that runs: it holds at once (live), from the next start on, or the process is \
        replaced (restart); where nothing stands, as the node's.\n",
    );
    for (path, spec) in specs() {
        if spec.rows.iter().any(|row| row.name == "value") {
            continue;
        }
        let path = if path == "defaults" {
            "defaults, service, task".to_owned()
        } else {
            path.replace("defaults ›", "service ›")
        };
        write!(page, "\n## {path}\n\n{}\n\n", spec.doc.trim()).expect("a string");
        table(&mut page, spec);
    }
    let file = root().join("docs/reference/service-file.md");
    #[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes the page")]
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        fs::write(&file, &page).expect("the page can be written");
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), page, "run UPDATE=1 cargo test reference");
}
