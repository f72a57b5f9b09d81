//! The canonical form in which the official suite states what it expects.

use std::fmt::Write;

use svc::syntax::document::Siblings;
use svc::syntax::{Document, Value, number};

/// Writes a tree the way the suite's expected files are written.
pub(super) fn canonical(document: &Document) -> String {
    let mut out = String::new();
    let mut open: Vec<Siblings<'_>> = vec![document.nodes()];
    while let Some(level) = open.last_mut() {
        let Some(node) = level.next() else {
            open.pop();
            if !open.is_empty() {
                indent(&mut out, open.len() - 1);
                out.push_str("}\n");
            }
            continue;
        };
        indent(&mut out, open.len() - 1);
        annotation(&mut out, node.ty().map(|(ty, _)| ty));
        string(&mut out, node.name());
        let last = |key: &str| node.properties().rev().find(|(name, _)| *name == key).map(|(_, entry)| entry);
        for entry in node.entries() {
            // Of a repeated property the last one counts.
            let winner = entry.key().and_then(|(key, _)| last(key));
            if winner.is_some_and(|winner| winner.span() != entry.span()) {
                continue;
            }
            out.push(' ');
            if let Some((key, _)) = entry.key() {
                string(&mut out, key);
                out.push('=');
            }
            annotation(&mut out, entry.ty().map(|(ty, _)| ty));
            value(&mut out, entry.value());
        }
        if node.children().next().is_some() {
            out.push_str(" {\n");
            open.push(node.children());
        } else {
            out.push('\n');
        }
    }
    out
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("    ", depth));
}

fn annotation(out: &mut String, ty: Option<&str>) {
    if let Some(ty) = ty {
        out.push('(');
        string(out, ty);
        out.push(')');
    }
}

fn value(out: &mut String, value: Value<'_>) {
    match value {
        Value::String(text) => string(out, text),
        Value::Number(written) => number(out, written),
        Value::Bool(true) => out.push_str("#true"),
        Value::Bool(false) => out.push_str("#false"),
        Value::Null => out.push_str("#null"),
        Value::Bad => out.push_str("<bad>"),
    }
}

fn number(out: &mut String, written: &str) {
    if let Some(integer) = number::integer(written) {
        write!(out, "{integer}").expect("a String takes everything");
        return;
    }
    match number::float(written) {
        f if f.is_nan() => out.push_str("#nan"),
        f64::INFINITY => out.push_str("#inf"),
        f64::NEG_INFINITY => out.push_str("#-inf"),
        f => write!(out, "{f:?}").expect("a String takes everything"),
    }
}

fn string(out: &mut String, text: &str) {
    if is_word(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether a text is a string without quotes: it is when it reads back as itself.
fn is_word(text: &str) -> bool {
    let plain = !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\\/(){};[]\"#=".contains(c));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    plain
        && !digits.starts_with(|c: char| c.is_ascii_digit())
        && !["true", "false", "null", "inf", "-inf", "nan"].contains(&text)
}
