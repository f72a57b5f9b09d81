//! The reference: a section a node, a line an option.

use std::fmt::Write;

use crate::schema::print::{Described, Top, described, is_one};
use crate::schema::{Effect, Row, RowKind, Spec};

const OPENING: &str = "# The service file

Every node, argument and property. This page is what `svc schema -o markdown` prints.

The last column says what a change does to a service that runs: it holds at once (live), from the next start on, or the \
process is replaced (restart); where nothing stands, as the node's.
";

/// Prints the reference page.
pub fn markdown(top: Top<'_>) -> String {
    let mut page = OPENING.to_owned();
    for Described { path, also, spec } in &described(top) {
        if is_one(spec) {
            continue;
        }
        let heading = [path.join(" › ").as_str()].iter().chain(also).copied().collect::<Vec<_>>().join(", ");
        write!(page, "\n## {heading}\n\n{}\n\n", spec.doc.trim()).expect("a string");
        table(&mut page, spec);
    }
    page
}

fn table(page: &mut String, spec: &Spec) {
    page.push_str("| | name | value | default | | since | effect |\n|---|---|---|---|---|---|---|\n");
    for row in spec.rows {
        let Row { kind, name, ty, default, doc, since, effect, node, form: _, words: _ } = row;
        let kind = match kind {
            RowKind::Argument => "argument",
            RowKind::Arguments => "arguments",
            RowKind::Property | RowKind::AnyProperty => "property",
            RowKind::Child | RowKind::AnyChild => "node",
            RowKind::Children => "node, repeatable",
        };
        let ty = node.filter(|node| is_one(node)).map_or(*ty, |node| node.rows[0].ty);
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let effect = effect.map_or("", Effect::word);
        let (ty, doc) = (ty.replace('|', "\\|"), doc.trim());
        writeln!(page, "| {kind} | `{name}` | {ty} | {default} | {doc} | {since} | {effect} |")
            .expect("a string");
    }
}
