//! A long file, whose halves are decoded at once, is compiled as if it were decoded in one piece.

use std::path::PathBuf;

use svc::compile::{Compiled, Memory, Options, compile, resolve};

use super::samples::said;
use crate::support::meaning;

const ROOT: &str = "/srv/services.kdl";

/// A file of so many services that it is long; one in the first and one in the second half are as given.
fn long(first: &str, second: &str) -> String {
    let services = (0..1_000).map(|n| match n {
        100 => first.to_owned(),
        900 => second.to_owned(),
        n => format!("service \"s{n}\" {{\n    command \"./web\" \"{n}\"\n    after t\n}}\n"),
    });
    format!("task \"t\" {{ command \"./web\" }}\n{}", services.collect::<String>())
}

/// Compiles a text at once, and in one piece: whoever asks for what is written gets it in one.
fn both(text: &str) -> [Compiled; 2] {
    let mut machine = Memory::default();
    machine.files.insert(ROOT.into(), text.into());
    machine.files.insert("/srv/.env".into(), "COLOR=blue\n1=2\n".into());
    let roots = [PathBuf::from(ROOT)];
    let options = Options::default();
    [compile(&roots, &machine, options), resolve(&roots, &machine, options).0]
}

#[test]
fn halves_have_the_plan_and_the_findings_of_the_whole() {
    let template = "template \"base\" { working-dir \"/srv\" }\n";
    let of_base = "service \"x\" extends=base { command \"./web\" }\n";
    for (head, first, second) in [
        ("", "", ""),
        // What is said about the second half.
        ("", "", "service \"x\" { commnd \"./web\" }\n"),
        ("", "", "service \"x\" { command \"./web\"; 5 }\nservice \"y\" {\n"),
        ("", "service \"x\" { command \"./web\"; restart nver }\n", "service \"y\" { comand \"./web\" }\n"),
        // What is said once, wherever it applies.
        ("defaults { backoff \"10s\" limit=\"1s\" }\n", "", ""),
        ("defaults { restart always max=1 window=\"1ms\" }\n", "", ""),
        // What one half uses and the other does not.
        (template, "", of_base),
        (template, of_base, ""),
        (template, "", ""),
        (template, "", "service \"x\" extends=bas { command \"./web\" }\n"),
        // What is read besides the file.
        ("", "", "service \"x\" { command \"./web\"; env-file .env }\n"),
        ("defaults { env-file .env }\n", "", ""),
        (
            "",
            "service \"x\" { command \"./web\"; env-file a }\n",
            "service \"y\" { command \"./web\"; env-file a }\n",
        ),
        // What both declare.
        ("", "service \"x\" { command \"./web\" }\n", "service \"x\" { command \"./web\" }\n"),
    ] {
        let text = format!("{head}{}", long(first, second));
        let [halves, whole] = both(&text);
        assert_eq!(said(&halves), said(&whole), "{head}{first}{second}");
        assert_eq!(meaning::plan(&halves), meaning::plan(&whole), "{head}{first}{second}");
    }
}
