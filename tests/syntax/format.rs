//! What `svc fmt` makes of a text: examples a person looks at, and rules that hold for every text.
#![expect(clippy::disallowed_methods, reason = "SVC_ORACLE_CASES asks for more cases than CI runs")]

use std::sync::Arc;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use svc::diagnostic::Diagnostics;
use svc::syntax::format::{Unformatted, format};

use super::canonical::canonical;
use super::{oracle, read, suite};

fn formatted(text: &str) -> Result<String, Unformatted> {
    format(&Arc::from(text), 0, &mut Diagnostics::default())
}

/// Formats a text without mistakes and checks that the form is stable.
fn form(text: &str) -> String {
    let once = formatted(text).unwrap_or_else(|why| panic!("{why:?}: {text:?}"));
    holds(text, &once).unwrap_or_else(|wrong| panic!("{wrong}"));
    once
}

/// What holds of every form of every text.
fn holds(text: &str, once: &str) -> Result<(), String> {
    let twice = formatted(once).map_err(|why| format!("{why:?}: {once:?} of {text:?}"))?;
    if twice != once {
        return Err(format!("not stable: {text:?}\nbecame\n{once}\nand then\n{twice}"));
    }
    if canonical(&read(text).0) != canonical(&read(once).0) {
        return Err(format!("reads differently: {text:?} and {once:?}"));
    }
    if once.contains('\r')
        || !once.is_empty() && !once.ends_with('\n')
        || once.starts_with(['\n', '\u{feff}'])
    {
        return Err(format!("odd edges: {once:?}"));
    }
    let comments = |text: &str| text.matches(['/', '*']).count();
    if comments(text) != comments(once) {
        return Err(format!("a comment is lost: {text:?} became {once:?}"));
    }
    Ok(())
}

#[test]
fn an_ugly_file_becomes_a_tidy_one() {
    insta::assert_snapshot!("ugly", form(include_str!("format/ugly.kdl")));
}

#[test]
fn comments_stay_where_they_belong() {
    insta::assert_snapshot!("comments", form(include_str!("format/comments.kdl")));
}

#[test]
fn a_tidy_file_stays_as_it_is() {
    let tidy = include_str!("format/tidy.kdl");
    assert_eq!(form(tidy), tidy);
}

#[test]
fn a_block_stays_on_its_line_as_long_as_it_fits() {
    let width = "a { b \"".len() + "\" }".len();
    let fits = format!("a {{ b \"{}\" }}\n", "x".repeat(100 - width));
    assert_eq!(form(&fits), fits);
    let wide = format!("a {{ b \"{}\" }}\n", "x".repeat(101 - width));
    assert_eq!(form(&wide), format!("a {{\n    b \"{}\"\n}}\n", "x".repeat(101 - width)));
}

#[test]
fn odd_places_of_blanks_newlines_and_comments_have_one_form() {
    let forms = [
        ("", ""),
        ("\u{feff}\r\n\r\n", ""),
        ("\\\n", ""),
        ("a;b;", "a\nb\n"),
        ("\u{feff}a\u{a0}\u{3000}b\u{2028}\u{85}\u{c}c", "a b\n\nc\n"),
        ("a b = 1 c= 2 d =3", "a b=1 c=2 d=3\n"),
        ("( t )a (u) 1 b = ( v ) 2", "(t)a (u)1 b=(v)2\n"),
        ("a {}", "a {}\n"),
        ("a{\n\n\\\n}", "a {}\n"),
        ("a{b;c;}", "a { b; c }\n"),
        ("a{b;c}//d", "a { b; c } //d\n"),
        ("a{b\nc}", "a {\n    b\n    c\n}\n"),
        ("a {b {c \\\n d}}", "a {\n    b {\n        c \\\n            d\n    }\n}\n"),
        ("a \\\n{\n b\n}", "a {\n    b\n}\n"),
        ("a \\\n\n b", "a\nb\n"),
        ("a \\ // c\n\n b", "a // c\nb\n"),
        ("a \\ // c\n b", "a \\ // c\n    b\n"),
        ("a \\ // c\n \\ // d\n\nb", "a // c\n// d\nb\n"),
        ("a \\ // c\n \\ // d\n b", "a \\ // c\n    \\ // d\n    b\n"),
        ("a \\ // c\n ; b", "a // c\nb\n"),
        ("a \\ /* c */ // d\n b = \\\n 1", "a /* c */ \\ // d\n    b=1\n"),
        ("/- a", "/-a\n"),
        ("/-\n\na", "/-a\n"),
        ("/- // c\n // d\n a", "/- // c\n    // d\n    a\n"),
        ("/- \\\n /* c */ \\\n a", "/- \\\n    /* c */ \\\n    a\n"),
        ("/-   kdl-version 2\na", "/- kdl-version 2\na\n"),
        ("a /- b /-c = 1 /- { d\n} { e; }", "a /-b /-c=1 /-{\n    d\n} { e }\n"),
        ("a; // c\nb", "a // c\nb\n"),
        ("a; /* c */\nb", "a /* c */\nb\n"),
        ("a; /* c */ b", "a\n/* c */ b\n"),
        ("a { // c\n\n b }", "a { // c\n    b\n}\n"),
        ("a { /* c */ b\n }", "a {\n    /* c */ b\n}\n"),
        ("a { b; /* c */ }", "a { b; /* c */ }\n"),
        (
            "(/* c */t/* d */)/* e */a k/* f */=/* g */1",
            "(/* c */ t /* d */) /* e */ a k /* f */ = /* g */ 1\n",
        ),
        ("\n\n// c\n\n\n// d\n\na\n\n", "// c\n\n// d\n\na\n"),
        ("a {\n\n\n // c\n\n\n b\n\n\n}\n\n\nd", "a {\n    // c\n\n    b\n}\n\nd\n"),
    ];
    for (text, expected) in forms {
        assert_eq!(form(text), expected, "{text:?}");
    }
}

#[test]
fn a_text_with_mistakes_has_no_form_and_says_them() {
    let mut findings = Diagnostics::default();
    let text = Arc::from("a { b 10s\n");
    assert_eq!(format(&text, 0, &mut findings), Err(Unformatted::Mistakes));
    assert_eq!(findings.len(), 2);
}

#[test]
fn every_case_of_the_official_suite_has_a_stable_form() {
    let mut valid = 0;
    for (name, (input, _)) in suite::cases() {
        if let Ok(once) = formatted(&input) {
            valid += 1;
            holds(&input, &once).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        }
    }
    assert!(valid > 200, "only {valid} cases are valid");
}

#[test]
fn what_a_fuzzer_found_is_read_and_has_a_stable_form_or_mistakes() {
    for entry in std::fs::read_dir("tests/syntax/found").expect("the files are there") {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        read(&text);
        if let Ok(once) = formatted(&text) {
            holds(&text, &once).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        }
    }
}

#[test]
fn every_mutated_case_has_a_stable_form_or_mistakes() {
    let cases = std::env::var("SVC_ORACLE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&oracle::mutated(), |text| match formatted(&text) {
        Ok(once) => holds(&text, &once).map_err(TestCaseError::fail),
        Err(Unformatted::Mistakes) => Ok(()),
        Err(Unformatted::ReadsDifferently) => Err(TestCaseError::fail("reads differently")),
    });
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn a_hundred_blocks_deep_and_a_hundred_thousand_wide_are_formatted() {
    let deep = format!("{}{}", "a { ".repeat(120), "} ".repeat(120));
    assert_eq!(form(&deep).lines().count(), 2 * 120 - 1);
    let wide = form(&"a;".repeat(100_000));
    assert_eq!(wide.lines().count(), 100_000);
    let comments = form(&"/* */".repeat(100_000));
    assert_eq!(comments.lines().count(), 1);
}
