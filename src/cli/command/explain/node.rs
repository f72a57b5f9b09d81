//! What `svc explain` says about a node or a property: its row in the tables.

use std::collections::VecDeque;

use serde::Serialize;

use crate::cli::style::{Paint, Style};
use crate::diagnostic::suggest;
use crate::model::decode::TOP;
use crate::schema::{Row, RowKind, Spec};

/// A node of the service file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The names of the nodes it stands in, outermost first, and its own.
    path: Vec<&'static str>,
    doc: &'static str,
    spec: &'static Spec,
    /// The row that describes it where it stands; `None` at the top level.
    row: Option<&'static Row>,
}

/// Visits every node once, those nearest to the top level first.
fn nodes() -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let top = TOP.iter().map(|(name, spec)| Found { path: vec![*name], doc: spec.doc, spec, row: None });
    let mut rest: VecDeque<Found> = top.collect();
    while let Some(next) = rest.pop_front() {
        let known = found
            .iter()
            .any(|known| std::ptr::eq(known.spec, next.spec) && known.path.last() == next.path.last());
        if known {
            continue;
        }
        // What `defaults` and templates may say is shown where a service says it.
        if !matches!(next.path[..], ["defaults" | "template"]) {
            for row in next.spec.rows {
                if let (Some(spec), RowKind::Child | RowKind::Children) = (row.node, row.kind) {
                    let path = next.path.iter().copied().chain([row.name]).collect();
                    let doc = if spec.doc.is_empty() { row.doc } else { spec.doc };
                    rest.push_back(Found { path, doc, spec, row: Some(row) });
                }
            }
        }
        found.push(next);
    }
    found
}

/// Looks up a node by its name, or one that has a property of that name.
pub(super) fn find(name: &str) -> Option<Found> {
    let nodes = nodes();
    let named = nodes.iter().find(|node| node.path.last() == Some(&name));
    let having =
        |node: &&Found| node.spec.rows.iter().any(|row| row.kind == RowKind::Property && row.name == name);
    named.or_else(|| nodes.iter().find(having)).cloned()
}

/// Returns the node whose name is nearest to a mistyped one.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    suggest::nearest(name, nodes().iter().filter_map(|node| node.path.last().copied()))
}

/// Returns whether a node is its one value and nothing else.
fn value(spec: &'static Spec) -> Option<&'static Row> {
    spec.rows.iter().find(|row| row.name == "value" && spec.rows.len() == 1)
}

/// Returns what an entry of a node is called and what it can be.
fn entry(row: &'static Row) -> (String, &'static str, &'static str) {
    let single = row.node.and_then(value);
    let name = match row.kind {
        RowKind::Argument | RowKind::Arguments => format!("({})", row.name),
        RowKind::Property | RowKind::AnyProperty => format!("{}=", row.name),
        RowKind::Child | RowKind::Children | RowKind::AnyChild => row.name.to_owned(),
    };
    (name, single.map_or(row.ty, |row| row.ty), row.default)
}

/// Shows a node: what it is for, what stands in it, what a change does.
pub(super) fn page(found: &Found, style: Style, wrapped: impl Fn(&str, usize) -> String) -> String {
    let mut page = format!("{}\n\n", style.paint(Paint::Bold, &found.path.join(" › ")));
    page += &wrapped(found.doc.trim(), 0);
    if let Some(effect) = found.row.and_then(|row| row.effect) {
        page += &format!("A change of it on a running service: {}.\n", effect.word());
    }
    if let Some(row) = value(found.spec) {
        let default = found.row.map_or("", |row| row.default);
        page += &format!("\nIts value: {}{}\n", row.ty, or_default(default));
        return page;
    }
    for row in found.spec.rows {
        let (name, ty, default) = entry(row);
        let ty = if ty.is_empty() { String::new() } else { format!("  {ty}") };
        page += &format!("\n  {}{ty}{}\n", style.paint(Paint::Bold, &name), or_default(default));
        page += &wrapped(row.doc.trim(), 6);
    }
    page
}

fn or_default(default: &str) -> String {
    if default.is_empty() { String::new() } else { format!(" (default: {default})") }
}

/// A node as JSON shows it.
#[derive(Serialize)]
pub(super) struct Line {
    schema: &'static str,
    node: &'static str,
    path: Vec<&'static str>,
    doc: &'static str,
    rows: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(rename = "type")]
    ty: &'static str,
    default: Option<&'static str>,
    doc: &'static str,
    since: &'static str,
    effect: Option<&'static str>,
}

impl Line {
    pub(super) fn of(found: &Found) -> Self {
        let rows = found.spec.rows.iter().map(|row| {
            let (name, ty, default) = entry(row);
            let default = (!default.is_empty()).then_some(default);
            let effect = row.effect.map(crate::schema::Effect::word);
            Entry { name, ty, default, doc: row.doc.trim(), since: row.since, effect }
        });
        let Found { path, doc, .. } = found;
        let node = path.last().copied().unwrap_or_default();
        Self { schema: "svc.explain-node/1", node, path: path.clone(), doc: doc.trim(), rows: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_its_name_and_by_a_property() {
        let path = |name| find(name).map(|found| found.path.join(" "));
        assert_eq!(path("service").as_deref(), Some("service"));
        assert_eq!(path("restart").as_deref(), Some("service restart"));
        assert_eq!(path("grace").as_deref(), Some("service stop"));
        assert_eq!(path("expect").as_deref(), Some("service readiness expect"));
        assert_eq!(path("nothing-like-it"), None);
        assert_eq!(nearest("restrat"), Some("restart"));
    }

    #[test]
    fn every_node_has_a_page_that_names_all_of_its_rows() {
        for node in nodes() {
            let page = page(&node, Style::PLAIN, |text, _| format!("{text}\n"));
            let own = value(node.spec).is_none();
            for row in node.spec.rows.iter().filter(|_| own) {
                assert!(
                    page.contains(&format!("  {}", entry(row).0)),
                    "{}: {}",
                    node.path.join(" "),
                    row.name
                );
            }
        }
    }
}
