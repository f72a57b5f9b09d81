//! The tables, printed for others: a reference for people, a schema for editors, a dictionary for fuzzers.
//!
//! Whoever needs to know which options there are reads them here; there is no second list of them.

mod data;
mod dictionary;
mod kdl;
mod markdown;
mod written;

pub use data::{data, json_schema};
pub use dictionary::dictionary;
pub use kdl::kdl;
pub use markdown::markdown;
pub use written::written;

use crate::schema::{RowKind, Spec};

/// Nodes of the top level with their descriptions, in order.
pub type Top<'a> = &'a [(&'static str, &'static Spec)];

/// A description and every place that it describes: `service › stop`.
struct Described {
    /// The names of the nodes from the top level on; of several that share a description the first.
    path: Vec<&'static str>,
    /// The names at the top level that share it.
    also: Vec<&'static str>,
    spec: &'static Spec,
}

/// Visits every description once, each before those of its children.
fn described(top: Top<'_>) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    let mut rest: Vec<(Vec<&'static str>, &'static Spec)> =
        top.iter().rev().map(|(name, spec)| (vec![*name], *spec)).collect();
    while let Some((path, spec)) = rest.pop() {
        if let Some(known) = found.iter_mut().find(|known| std::ptr::eq(known.spec, spec)) {
            if path.len() == 1 {
                known.also.push(path[0]);
            }
            continue;
        }
        let child = |row: &'static crate::schema::Row| {
            let path: Vec<_> = path.iter().copied().chain([row.name]).collect();
            Some((path, row.node?))
        };
        let children: Vec<_> = spec.rows.iter().filter_map(child).collect();
        rest.extend(children.into_iter().rev());
        found.push(Described { path, also: Vec::new(), spec });
    }
    found
}

/// Returns whether a node is an argument and nothing else, so that it is described where it stands.
fn is_one(spec: &Spec) -> bool {
    matches!(spec.rows, [row] if row.kind == RowKind::Argument && row.doc.is_empty())
}
