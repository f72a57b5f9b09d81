//! Nodes as KDL, laid out as the formatter lays them out.

use crate::schema::{Mask, WrittenEntry, WrittenNode, WrittenValue};
use crate::syntax::write;

/// Prints nodes. What `note` says of one stands behind it as a comment.
pub fn written(nodes: &[WrittenNode], note: &dyn Fn(&WrittenNode) -> Option<String>) -> String {
    let mut out = String::new();
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        one(&mut out, node, 0, note);
    }
    out
}

fn one(out: &mut String, node: &WrittenNode, depth: usize, note: &dyn Fn(&WrittenNode) -> Option<String>) {
    out.extend(std::iter::repeat_n("    ", depth));
    write::text(out, &node.name);
    // Names at the top level have quotes, as people write them, and so have all words beside one that needs them.
    let quoted =
        depth == 0 || node.entries.iter().any(|entry| entry.key.is_none() && !is_plain(&entry.value));
    for WrittenEntry { key, value, mask, span: _ } in &node.entries {
        out.push(' ');
        if let Some(key) = key {
            write::text(out, key);
            out.push('=');
        }
        if matches!(mask, Some(Mask::Marked(_))) {
            out.push_str("(secret)");
        }
        self::value(out, value, quoted && key.is_none());
    }
    if !node.children.is_empty() {
        out.push_str(" {");
    }
    if let Some(note) = note(node) {
        out.push_str(" // ");
        out.push_str(&note);
    }
    out.push('\n');
    if !node.children.is_empty() {
        node.children.iter().for_each(|child| one(out, child, depth + 1, note));
        out.extend(std::iter::repeat_n("    ", depth));
        out.push_str("}\n");
    }
}

fn is_plain(value: &WrittenValue) -> bool {
    match value {
        WrittenValue::Text(text) | WrittenValue::Path(text, _) => write::is_plain(text),
        WrittenValue::Number(_) | WrittenValue::Bool(_) | WrittenValue::Null => true,
    }
}

fn value(out: &mut String, value: &WrittenValue, quoted: bool) {
    match value {
        WrittenValue::Text(text) | WrittenValue::Path(text, _) if quoted => write::quoted(out, text),
        WrittenValue::Text(text) | WrittenValue::Path(text, _) => write::text(out, text),
        WrittenValue::Number(digits) => out.push_str(digits),
        WrittenValue::Bool(flag) => out.push_str(if *flag { "#true" } else { "#false" }),
        WrittenValue::Null => out.push_str("#null"),
    }
}
