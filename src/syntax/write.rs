//! KDL text from values: words and strings as the reader reads them back.
//!
//! Only what a machine prints is written here; what a person wrote is laid out by the formatter, letter by letter.

use std::fmt::Write;

/// Writes a text as a value: as a bare word where that reads well, otherwise in quotes.
pub fn text(out: &mut String, text: &str) {
    if is_plain(text) { out.push_str(text) } else { quoted(out, text) }
}

/// Writes a text in quotes.
pub fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a string takes everything");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns whether a text can stand bare without a second thought: letters, digits, `_` and `-`.
pub fn is_plain(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !["true", "false", "null", "inf", "nan"].contains(&text)
}

/// Returns whether a character cannot stand in a string as it is: newlines, control characters and those that
/// turn the direction of writing.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::syntax::{Value, parse};

    #[test]
    fn what_is_written_is_read_back_and_the_kdl_crate_reads_the_same() {
        let texts = [
            "web",
            "a-b_c",
            "",
            "true",
            "nan",
            "-5",
            "5s",
            "a b",
            "\"",
            "\\",
            "\n\r\t",
            "é",
            "\u{0}",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{202e}",
            "\u{feff}",
            "a\u{3000}b",
            "#true",
            "//",
            "/*",
            "${A}",
            "'",
        ];
        for expected in texts {
            let mut written = String::from("x ");
            text(&mut written, expected);
            let mut findings = Diagnostics::default();
            let document = parse(&written.as_str().into(), 0, &mut findings);
            let node = document.nodes().next().expect("a node");
            let entry = node.arguments().next().unwrap_or_else(|| panic!("{written}"));
            assert!(findings.is_empty(), "{written}: {findings:?}");
            assert_eq!(entry.value(), Value::String(expected), "{written}");
            let theirs: kdl::KdlDocument =
                written.parse().unwrap_or_else(|error| panic!("{written}: {error}"));
            let value = theirs.nodes()[0].entries()[0].value().as_string();
            assert_eq!(value, Some(expected), "{written}");
        }
    }
}
