//! One text in the one form that `svc fmt` gives it.
//!
//! A node a line, four blanks a level, one blank between the parts of a node, none around `=`. What
//! the author decides stays: comments, up to one blank line between nodes, the form of every string
//! and number, where a long node is continued with `\`, and a block written on one line, as long as
//! it fits there. The text is walked token by token, without recursion, and nothing is looked at
//! more often than a fixed number of times. A text with mistakes has no form.

mod layout;
mod page;
mod text;
mod token;

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::syntax::document::{Document, Entry, Node};
use crate::syntax::parser::parse;

pub use page::WIDTH;

/// Why a text was not formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unformatted {
    /// It has mistakes; they were reported.
    Mistakes,
    /// It would have read differently afterwards, which is a bug of ours.
    ReadsDifferently,
}

/// Formats a text whose first byte has the address `base`. What is wrong with it goes to
/// `diagnostics`.
///
/// # Errors
///
/// The text has mistakes, or its form would not read the same.
pub fn format(text: &Arc<str>, base: u32, diagnostics: &mut Diagnostics) -> Result<String, Unformatted> {
    let before = diagnostics.len();
    let document = parse(text, base, diagnostics);
    if diagnostics.has_errors_from(before) {
        return Err(Unformatted::Mistakes);
    }
    let formatted: Arc<str> = layout::layout(text).into();
    let mut none = Diagnostics::default();
    let again = parse(&formatted, 0, &mut none);
    if none.has_errors() || !same(&document, &again) {
        return Err(Unformatted::ReadsDifferently);
    }
    Ok(formatted.as_ref().to_owned())
}

/// Returns whether two trees say the same, wherever it stands.
fn same(one: &Document, other: &Document) -> bool {
    let mut open = vec![(one.nodes(), other.nodes())];
    while let Some((one, other)) = open.last_mut() {
        match (one.next(), other.next()) {
            (None, None) => {
                open.pop();
            }
            (Some(one), Some(other)) if same_head(one, other) => {
                open.push((one.children(), other.children()));
            }
            _ => return false,
        }
    }
    true
}

fn same_head(one: Node<'_>, other: Node<'_>) -> bool {
    let what = |node: Node<'_>| (node.block_span().is_some(), node.entries().len());
    let ty = |node| Node::ty(node).map(|(ty, _)| ty);
    one.name() == other.name()
        && ty(one) == ty(other)
        && what(one) == what(other)
        && one.entries().zip(other.entries()).all(|(one, other)| same_entry(one, other))
}

fn same_entry(one: Entry<'_>, other: Entry<'_>) -> bool {
    let ty = |entry| Entry::ty(entry).map(|(ty, _)| ty);
    let key = |entry| Entry::key(entry).map(|(key, _)| key);
    key(one) == key(other) && ty(one) == ty(other) && one.value() == other.value()
}
