//! What the targets share: a machine in memory, and what has to hold of every text.

#[path = "../../tests/support/grammar.rs"]
mod grammar;
#[path = "../../tests/support/meaning.rs"]
mod meaning;

use std::path::PathBuf;
use std::sync::Arc;

use svc::compile::{Compiled, Memory, Options, compile, resolve};
use svc::diagnostic::{Diagnostics, Look, human, json};
use svc::graph::Account;
use svc::schema::{WrittenNode, print};
use svc::syntax::format::{Unformatted, format};

use meaning::meaning;

/// Makes a service file from the tables.
pub fn document(bytes: &[u8]) -> String {
    grammar::document(bytes)
}

/// Compiles a text as the service file of a project with an included file and an env-file.
pub fn compiled(text: &str) -> Compiled {
    compile(&[ROOT.into()], &machine(ROOT, text), Options::default())
}

/// Where the service file of the project is.
const ROOT: &str = "/p/services.kdl";

/// A machine with this text at this path.
fn machine(path: &str, text: &str) -> Memory {
    let file = |path: &str, text: &str| (PathBuf::from(path), Arc::from(text));
    Memory {
        files: [
            file("/p/more/a.kdl", "service \"inc\" { command \"./web\" }\n"),
            file("/p/.env", "A=1\nB='two words'\n"),
            file(path, text),
        ]
        .into(),
        env: [("PATH".to_owned(), "/bin".to_owned())].into(),
        programs: ["/p/web", "/bin/sh"].map(PathBuf::from).into(),
        folders: [PathBuf::from("/p")].into(),
        users: [("app".to_owned(), Account { gid: 8, groups: vec![8], ..Account::numbered(7) })].into(),
        groups: [("app".to_owned(), 8)].into(),
        ..Memory::default()
    }
}

/// Writes down what holds in a text: that has the same plan elsewhere, and is written down as itself; without its secrets it
/// compiles, too. Returns whether the text compiles.
pub fn written(text: &str) -> bool {
    const ELSEWHERE: &str = "/elsewhere/printed.kdl";
    let of = |path: &str, text: &str| resolve(&[path.into()], &machine(path, text), Options::default());
    let (before, resolved) = of(ROOT, text);
    if before.plan.is_none() {
        return false;
    }
    let mut nodes = resolved.nodes(&[]);
    let printed = print::written(&nodes, &|_| None);
    let (after, again) = of(ELSEWHERE, &printed);
    assert_eq!(meaning::plan(&before), meaning::plan(&after), "written as\n{printed}");
    assert_eq!(print::written(&again.nodes(&[]), &|_| None), printed, "written otherwise the second time");
    nodes.iter_mut().for_each(WrittenNode::hide);
    let masked = print::written(&nodes, &|_| None);
    assert!(of(ELSEWHERE, &masked).0.plan.is_some(), "does not compile without secrets:\n{masked}");
    true
}

/// Compiles a text and draws what is wrong with it in every form.
pub fn say(text: &str) {
    let compiled = compiled(text);
    let mut out = String::new();
    human(&mut out, &compiled.diagnostics, &compiled.sources, &Look::default())
        .expect("memory takes everything");
    out.clear();
    json(&mut out, &compiled.diagnostics, &compiled.sources).expect("memory takes everything");
    assert_eq!(
        compiled.plan.is_none(),
        compiled.diagnostics.has_errors(),
        "no plan, exactly when there are errors"
    );
}

/// Formats a text; `None` when it has mistakes. What comes out is stable and means the same.
pub fn formatted(text: &str) -> Option<String> {
    let form = |text: &str| format(&Arc::from(text), 0, &mut Diagnostics::default());
    let once = match form(text) {
        Ok(once) => once,
        Err(Unformatted::Mistakes) => return None,
        Err(Unformatted::ReadsDifferently) => panic!("reads differently once formatted"),
    };
    assert_eq!(form(&once).as_ref(), Ok(&once), "not stable");
    let of = |text: &str, mark| text.matches(mark).count();
    for mark in ['/', '*'] {
        assert_eq!(of(text, mark), of(&once, mark), "a comment is lost");
    }
    assert!(!once.lines().any(|line| line.ends_with(' ')) || once.contains("\"\"\""), "blanks at a line end");
    assert_eq!(meaning(&compiled(text)), meaning(&compiled(&once)), "means something else");
    Some(once)
}
