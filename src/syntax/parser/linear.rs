//! Reading takes time in proportion to the length of the text, whatever it says: shown by counting the bytes
//! that are looked at, in texts and in texts of twice the length.

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::syntax::lexer::STEPS;

/// How many bytes are looked at to read a text.
fn steps(text: String) -> usize {
    let text: Arc<str> = text.into();
    STEPS.set(0);
    crate::syntax::parse(&text, 0, &mut Diagnostics::default());
    STEPS.get()
}

/// Reads `text(count)` and `text(2 * count)`.
fn twice_the_text_takes_twice_the_steps(what: &str, count: usize, text: impl Fn(usize) -> String) {
    let length = text(count).len();
    let (single, double) = (steps(text(count)), steps(text(2 * count)));
    // Where a character or a mark of several bytes is looked at as a whole, that is one step.
    if !what.contains(['#', '\\']) {
        assert!(4 * single >= length, "{what:?}: {single} steps cannot have seen {length} bytes");
    }
    assert!(single <= 40 * length, "{what:?}: {single} steps for {length} bytes");
    assert!(double <= single * 21 / 10, "{what:?}: {single} steps become {double}");
}

/// Texts that are one thing over and over, such as habits and hostility bring about.
const REPEATED: &[&str] = &[
    "a {\n",
    "a {",
    "a { }\n",
    "}\n",
    "}",
    "{\n",
    "{ } ",
    "a;",
    ";",
    "a\n",
    "  a\n",
    "a 1 b=2\n",
    "/*",
    "/* */",
    "*/",
    "/* /",
    "// a\n",
    "/-",
    "/-a ",
    "/- ",
    "a /-{ ",
    "a /-{ } ",
    "/-{\n",
    "a /-b=",
    "\\\n",
    "\\ ",
    "\\ /**/ ",
    "\"",
    "\"a\" ",
    "\"a\n",
    "\"\\",
    "\"\\u{",
    "\"\"\"",
    "\"\"\"\n",
    "\"\"\" a\"\"\" ",
    "a \"\"\"b\"\"\";",
    "#",
    "#\"",
    "#\"a\"# ",
    "\"#",
    "\"##\"",
    "#true ",
    "#tru ",
    "'",
    "'a",
    "'a' ",
    "' a;",
    "a 'b;c'd ",
    "r\"",
    "r#\"a\"# ",
    "(",
    "(a",
    "(a)",
    "(a)b ",
    "a (",
    "=",
    "a=",
    "a=b ",
    "a =",
    "a=b;",
    "a:",
    "a: ",
    "a:;",
    "a: b;",
    "a:\n",
    "a:\n  b:\n",
    "[",
    "[a, b] ",
    "a [b;",
    "[a]\n",
    "[a]\nb=c\n",
    "1",
    "1s ",
    "a 10s;",
    "true ",
    "a true;",
    "*/5 ",
    "a */5 * * *;",
    "a/b ",
    "$",
    "${",
    "${a} ",
    "a ${b} c;",
    "\u{0}",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "é",
    "\r",
    "\t",
    " ",
];

#[test]
fn one_thing_over_and_over() {
    for thing in REPEATED {
        twice_the_text_takes_twice_the_steps(thing, 4_000, |count| thing.repeat(count));
    }
}

#[test]
fn one_thing_over_and_over_between_others() {
    for thing in REPEATED {
        for (before, behind) in [
            ("a ", ""),
            ("a {\n", "\n}\n"),
            ("a \"", "\""),
            ("\"\"\"\n", "\n\"\"\""),
            ("/*", "*/"),
            ("/- a {", "}"),
        ] {
            let what = format!("{before}{thing}{behind}");
            twice_the_text_takes_twice_the_steps(&what, 1_000, |count| {
                format!("{before}{}{behind}\n", thing.repeat(count))
            });
        }
    }
}

#[test]
fn blocks_in_blocks() {
    for (open, close) in [("a {\n", "}\n"), ("a { ", "} "), ("/- a {", "}"), ("a /-{", "}"), ("/*", "*/")] {
        twice_the_text_takes_twice_the_steps(open, 5_000, |count| open.repeat(count) + &close.repeat(count));
    }
    // Each line is indented deeper than the one before, so the text grows by the square of the depth.
    twice_the_text_takes_twice_the_steps("indented blocks", 100, |count| {
        let lines =
            |count: usize| (0..count).map(|depth| " ".repeat(depth % 100) + "a {\n").collect::<String>();
        lines(count)
    });
}

#[test]
fn one_long_line() {
    let length = 300 * 1024;
    for (before, one, behind) in [
        ("", "a", ""),
        ("a \"", "b", "\""),
        ("a ", "b=1 ", ""),
        ("// ", "a", ""),
        ("a ", "1", "s"),
        ("a:", " b", ""),
    ] {
        let what = format!("{before}{one}{behind}");
        twice_the_text_takes_twice_the_steps(&what, length / one.len(), |count| {
            format!("{before}{}{behind}", one.repeat(count))
        });
    }
}
