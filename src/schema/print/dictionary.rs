//! A dictionary for fuzzers, in the form of libFuzzer: what a byte-wise mutation would hardly hit upon.

use std::collections::BTreeSet;

use crate::schema::RowKind;
use crate::schema::print::{Top, described};

/// What belongs to KDL itself.
const SYNTAX: &[&str] = &[
    "#true", "#false", "#null", "#\"", "\"#", "\"\"\"", "/-", "//", "/*", "*/", "(", ")", "{", "}", ";", "=",
    "\\",
];

/// Prints the dictionary: every name and every word, once, in order.
pub fn dictionary(top: Top<'_>) -> String {
    let mut words: BTreeSet<&str> = SYNTAX.iter().copied().collect();
    words.extend(top.iter().map(|(name, _)| *name));
    for row in described(top).iter().flat_map(|described| described.spec.rows) {
        if !matches!(row.kind, RowKind::Argument | RowKind::Arguments) {
            words.insert(row.name);
        }
        words.extend(row.words);
        // A default that is one word is a value of the right form.
        words.extend(Some(row.default).filter(|text| !text.is_empty() && !text.contains(' ')));
    }
    words.into_iter().map(line).collect()
}

fn line(word: &str) -> String {
    let mut text = String::from("\"");
    for byte in word.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02X}")),
        }
    }
    text + "\"\n"
}
