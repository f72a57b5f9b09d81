//! Every diagnostic code, as a table: what it means, and how it looks wrong and right.
//!
//! `svc explain`, docs/reference/diagnostics.md and the rules of SARIF are made of it. Nothing here
//! finds anything: codes are written where mistakes are found, and a test holds both together, hands
//! every wrong example to the compiler to hear its code and every fixed one to hear nothing.
//!
//! A new code needs a row in the file of its subject, and `UPDATE=1 cargo test --test it catalogue`.

mod layer;
mod machine;
mod node;
mod process;
mod service;
mod structure;
mod text;
mod together;
mod value;

use crate::diagnostic::{Rule, suggest};

/// What the name of every code begins with.
const PREFIX: &str = "svc::";

/// The subjects, in the order a file is understood, each with its codes in the order of their names.
pub const SECTIONS: &[(&str, &[Rule])] = &[
    ("Text, numbers and words", text::RULES),
    ("Nodes, blocks and files", structure::RULES),
    ("Values", value::RULES),
    ("What may stand where", node::RULES),
    ("One service", service::RULES),
    ("Templates and files laid over others", layer::RULES),
    ("Processes and when they run", process::RULES),
    ("Services together", together::RULES),
    ("The machine", machine::RULES),
];

/// Iterates over all codes.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    SECTIONS.iter().flat_map(|(_, rules)| *rules)
}

/// Looks up a code, with or without `svc::`.
pub fn find(code: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.code == code || rule.code.strip_prefix(PREFIX) == Some(code))
}

/// Returns the code nearest to a mistyped one.
pub fn nearest(code: &str) -> Option<&'static str> {
    let word = code.strip_prefix(PREFIX).unwrap_or(code);
    let near = suggest::nearest(word, rules().filter_map(|rule| rule.code.strip_prefix(PREFIX)))?;
    find(near).map(|rule| rule.code)
}
