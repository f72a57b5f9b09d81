//! Findings as a person sees them, from odd sources too.

mod sarif;

use svc::diagnostic::{Diagnostic, Diagnostics, Look, SourceMap, Span, human};
use svc::syntax::parse;

fn drawn(files: &[(&str, &str)], look: &Look, findings: &[Diagnostic]) -> String {
    let mut map = SourceMap::default();
    for (name, text) in files {
        map.add(*name, *text).expect("small");
    }
    let mut all = Diagnostics::default();
    findings.iter().cloned().for_each(|finding| all.push(finding));
    let mut out = String::new();
    human(&mut out, &all, &map, look).expect("a String takes everything");
    out
}

/// What is said about a text, as a person sees it.
fn read(text: &str, look: &Look) -> String {
    let mut map = SourceMap::default();
    let base = map.add("services.kdl", text).expect("small");
    let mut all = Diagnostics::default();
    parse(&text.into(), base, &mut all);
    all.sort();
    let mut out = String::new();
    human(&mut out, &all, &map, look).expect("a String takes everything");
    out
}

#[test]
fn one_finding_labels_several_files() {
    let files =
        [("a.kdl", "service a {\n    depends-on b\n}\n"), ("b.kdl", "service b {\n    depends-on a\n}\n")];
    let cycle = Diagnostic::error("svc::cycle", Span::new(27, 28), "dependency cycle: a → b → a")
        .here("`a` waits for `b`")
        .label(Span::new(32 + 27, 32 + 28), "`b` waits for `a`")
        .help("remove one of these");
    insta::assert_snapshot!(drawn(&files, &Look::default(), &[cycle]));
}

#[test]
fn mistakes_are_drawn_under_the_exact_characters() {
    let text = "service \"wéb\" {\n\ttimeout 10s\n    memory 512M // 世界\n    command ./api\n";
    insta::assert_snapshot!(read(text, &Look::default()));
}

#[test]
fn a_plain_terminal_gets_plain_characters() {
    let look = Look { unicode: false, width: 60, ..Look::default() };
    let out = read("critical true\n", &look);
    assert!(out.is_ascii(), "{out}");
    assert!(read("critical true\n", &Look { color: true, ..look }).contains('\u{1b}'));
}

#[test]
fn of_a_long_line_only_the_part_around_the_mistake_is_shown() {
    let text = format!("a {} 10s {}\nb 20s\n", "x ".repeat(150_000), "y ".repeat(150_000));
    let out = read(&text, &Look::default());
    assert!(out.len() < 4_000, "{} bytes", out.len());
    assert!(out.contains("services.kdl:1:300004"), "{out}");
}

#[test]
fn no_control_character_of_a_file_reaches_the_terminal() {
    let out = read("a \u{1b}[31m \u{7f} \u{202e} 10s\u{9b}\n", &Look::default());
    assert!(!out.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{out:?}");
}

#[test]
fn places_at_the_end_in_empty_files_and_in_no_file_are_drawn() {
    let at_end = Diagnostic::error("svc::x", Span::new(3, 3), "at the end");
    let empty = Diagnostic::error("svc::x", Span::new(0, 0), "nothing here").here("here");
    let nowhere = Diagnostic::error_without_place("svc::x", "no such file");
    let mut out = drawn(&[("a.kdl", "abc")], &Look::default(), &[at_end]);
    out += &drawn(&[("a.kdl", "")], &Look::default(), &[empty, nowhere]);
    insta::assert_snapshot!(out);
}

#[test]
fn beyond_the_limit_findings_are_counted() {
    let out = read(&"a 10s\n".repeat(60), &Look { limit: 2, ..Look::default() });
    assert_eq!(out.matches("services.kdl:").count(), 2);
    assert!(out.ends_with("… and 58 more; `svc check -o json` prints all\n60 errors\n"), "{out}");
}

/// A place of `text`, which is the only source: where `word` stands for the `nth` time.
fn place(text: &str, word: &str) -> Span {
    let lo = text.find(word).expect("it is there") as u32;
    Span::new(lo, lo + word.len() as u32)
}

#[test]
fn marks_stand_below_tabs_wide_characters_and_combining_ones() {
    let text = "\tenv\tA=\"世界\"\tB=bad\nenv e\u{301}=\"ééé\" 世=\"界\" C=bad2\n\"👩‍👩‍👧\" D=bad3\n";
    let finding = Diagnostic::error("svc::x", place(text, "bad"), "three places")
        .here("one")
        .label(place(text, "bad2"), "two")
        .label(place(text, "bad3"), "three");
    for width in [60, 100] {
        let look = Look { width, ..Look::default() };
        insta::assert_snapshot!(
            format!("odd-characters-{width}"),
            drawn(&[("a.kdl", text)], &look, std::slice::from_ref(&finding))
        );
    }
}

#[test]
fn a_line_that_is_too_long_is_cut_around_the_mistake() {
    let line = format!("command {} \"bad\" {}", "\"an argument\"".repeat(12), "x ".repeat(150_000));
    let text = format!("service \"web\" {{\n    {line}\n    \"far\" {} \"away\"\n}}\n", "世".repeat(90));
    let two = Diagnostic::error("svc::x", place(&text, "\"far\""), "two places far apart on one line")
        .here("here it begins")
        .label(place(&text, "\"away\""), "and here, a long way off, is the end of what was meant by that");
    let one = Diagnostic::error("svc::x", place(&text, "\"bad\""), "one place").here("this");
    let long =
        Diagnostic::error("svc::x", place(&text, &"世".repeat(90)), "a long place").here("all of this");
    for width in [60, 100] {
        let look = Look { width, ..Look::default() };
        let shown = drawn(&[("a.kdl", &text)], &look, &[one.clone(), two.clone(), long.clone()]);
        insta::assert_snapshot!(format!("long-lines-{width}"), shown);
    }
}

#[test]
fn a_name_that_fills_the_screen_is_cut_in_the_message_too() {
    let name = "x".repeat(300_000);
    let finding =
        Diagnostic::error("svc::x", Span::new(0, 300_000), format!("there is no node `{name}` in `a`"));
    let out = drawn(&[("a.kdl", &name)], &Look::default(), &[finding.help(format!("not `{name}`"))]);
    assert!(out.len() < 1_500, "{} bytes", out.len());
    assert!(out.contains(&format!("there is no node `{}…` in `a`", "x".repeat(59))), "{out}");
}

#[test]
fn of_too_many_findings_errors_are_shown_before_warnings() {
    let text = "a b c d";
    let at = |lo| Span::new(lo, lo + 1);
    let findings = [
        Diagnostic::warning("svc::x", at(0), "first"),
        Diagnostic::error("svc::x", at(2), "second"),
        Diagnostic::warning("svc::x", at(4), "third"),
        Diagnostic::error("svc::x", at(6), "fourth"),
    ];
    let order = |limit| {
        let shown = drawn(&[("a.kdl", text)], &Look { limit, ..Look::default() }, &findings);
        let of =
            |line: &str| ["first", "second", "third", "fourth"].into_iter().find(|word| line.contains(word));
        shown.lines().filter_map(of).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order(4), "first second third fourth");
    assert_eq!(order(3), "second fourth first");
}
