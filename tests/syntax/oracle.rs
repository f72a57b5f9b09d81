//! Mutated cases of the official suite, read by this reader and by the kdl crate: they agree, or the
//! difference is one of those explained here.
#![expect(clippy::disallowed_methods, reason = "SVC_ORACLE_CASES asks for more cases than CI runs")]

use kdl::{KdlDocument, KdlValue};
use proptest::prelude::{Strategy, any, prop};
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use svc::diagnostic::Severity;
use svc::syntax::{Document, Value, number};

use super::{read, suite};

/// How many mutated cases CI tries.
const CASES: u32 = 2_000;

/// Pieces that mutations put in, most of them with a meaning of their own.
const PIECES: &[&str] = &[
    "{", "}", "(", ")", "\"", "\"\"\"", "#", "#\"", "\"#", "=", ";", "\n", "\r\n", " ", "\t", "\\", "//",
    "/*", "*/", "/-", "a", "0", "1.5", "0x", "_", "-", "+", ".", "e", "true", "#true", "#null", "#inf",
    "\\n", "\\u{41}", "é", "\u{a0}", "\u{2028}", "[", "'", ":",
];

#[derive(Clone, Debug)]
enum Mutation {
    Insert(usize, &'static str),
    Remove(usize, usize),
    Copy(usize, usize, usize),
}

pub(super) fn mutated() -> impl Strategy<Value = String> {
    let inputs: Vec<String> = suite::cases().into_values().map(|(input, _)| input).collect();
    let mutation = proptest::prop_oneof![
        (any::<usize>(), select(PIECES)).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (any::<usize>(), 1..6_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<usize>(), 1..20_usize, any::<usize>())
            .prop_map(|(at, length, to)| Mutation::Copy(at, length, to)),
    ];
    (select(inputs), prop::collection::vec(mutation, 1..4)).prop_map(|(input, mutations)| {
        mutations.into_iter().fold(input.chars().collect::<Vec<char>>(), mutate).into_iter().collect()
    })
}

fn mutate(mut chars: Vec<char>, mutation: Mutation) -> Vec<char> {
    let size = chars.len() + 1;
    match mutation {
        Mutation::Insert(at, piece) => {
            let at = at % size;
            chars.splice(at..at, piece.chars());
        }
        Mutation::Remove(at, length) => {
            let at = at % size;
            let end = (at + length).min(chars.len());
            chars.drain(at..end);
        }
        Mutation::Copy(at, length, to) => {
            let (at, to) = (at % size, to % size);
            let piece = chars[at..(at + length).min(chars.len())].to_vec();
            chars.splice(to..to, piece);
        }
    }
    chars
}

/// Why the two may differ about a text: known deviations of the kdl crate from the specification,
/// and spellings that this reader refuses on purpose.
fn explanation(text: &str, ours: Option<&str>) -> Option<&'static str> {
    let forbidden = |c: char| {
        matches!(c, '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if matches!(ours, Some("svc::colon-after-name" | "svc::single-quotes")) {
        Some("refused on purpose: nobody means it")
    } else if ours == Some("svc::bare-keyword") && text.contains("-inf") {
        Some("the crate accepts a bare `-inf`, which the specification forbids")
    } else if text.contains("/-") {
        Some("the crate places `/-` differently from the suite")
    } else if text.contains("\"\"\"") {
        Some("the crate reads one-line and oddly quoted strings of three quotes differently from the suite")
    } else if text.contains(forbidden) {
        Some("the crate lets some forbidden characters pass")
    } else {
        None
    }
}

/// A tree as one line a node, numbers by their worth.
fn ours(document: &Document) -> String {
    let mut out = String::new();
    let mut open = vec![document.nodes()];
    while let Some(level) = open.last_mut() {
        let Some(node) = level.next() else {
            open.pop();
            continue;
        };
        let depth = open.len();
        out.push_str(&format!("{depth} {:?} {:?}", node.ty().map(|ty| ty.0), node.name()));
        for entry in node.entries() {
            let value = match entry.value() {
                Value::String(text) => format!("{text:?}"),
                Value::Number(written) => match number::integer(written) {
                    Some(integer) => integer.to_string(),
                    None => format!("{:?}", number::float(written)),
                },
                Value::Bool(value) => format!("#{value}"),
                Value::Null => "#null".to_owned(),
                Value::Bad => "bad".to_owned(),
            };
            out.push_str(&format!(
                " {:?}={:?}{value}",
                entry.key().map(|key| key.0),
                entry.ty().map(|ty| ty.0)
            ));
        }
        out.push('\n');
        open.push(node.children());
    }
    out
}

fn theirs(document: &KdlDocument) -> String {
    let mut out = String::new();
    let mut open = vec![document.nodes().iter()];
    while let Some(level) = open.last_mut() {
        let Some(node) = level.next() else {
            open.pop();
            continue;
        };
        let depth = open.len();
        out.push_str(&format!("{depth} {:?} {:?}", node.ty().map(|ty| ty.value()), node.name().value()));
        for entry in node.entries() {
            let value = match entry.value() {
                KdlValue::String(text) => format!("{text:?}"),
                KdlValue::Integer(integer) => integer.to_string(),
                KdlValue::Float(float) => format!("{float:?}"),
                KdlValue::Bool(value) => format!("#{value}"),
                KdlValue::Null => "#null".to_owned(),
            };
            let (key, ty) = (entry.name().map(|name| name.value()), entry.ty().map(|ty| ty.value()));
            out.push_str(&format!(" {key:?}={ty:?}{value}"));
        }
        out.push('\n');
        open.push(node.children().map_or(Default::default(), |children| children.nodes().iter()));
    }
    out
}

/// Compares the two readers; says how they differ when nothing explains it.
fn difference(text: &str) -> Option<String> {
    let (document, findings) = read(text);
    let error = findings.iter().find(|finding| finding.severity == Severity::Error);
    let found = match error {
        None => Ok(ours(&document)),
        Some(error) => Err(error.code),
    };
    let oracle = KdlDocument::parse_v2(text).map(|document| theirs(&document));
    let same = match (&found, &oracle) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(_), Err(_)) => true,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    };
    if same || explanation(text, found.as_ref().err().copied()).is_some() {
        return None;
    }
    Some(format!("{text:?}\nours: {found:?}\ntheirs: {:?}", oracle.map_err(|error| error.diagnostics.len())))
}

#[test]
fn mutated_cases_are_read_as_the_kdl_crate_reads_them() {
    let cases = std::env::var("SVC_ORACLE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // One seed, so that CI asks the same questions every time.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&mutated(), |text| match difference(&text) {
        None => Ok(()),
        Some(difference) => Err(TestCaseError::fail(difference)),
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
