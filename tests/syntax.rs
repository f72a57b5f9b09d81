//! The KDL reader against the official suite, the kdl crate and hostile input.

#[path = "syntax/canonical.rs"]
mod canonical;
#[path = "syntax/format.rs"]
mod format;
#[path = "syntax/habits.rs"]
mod habits;
#[path = "syntax/hostile.rs"]
mod hostile;
#[path = "syntax/include.rs"]
mod include;
#[path = "syntax/oracle.rs"]
mod oracle;
#[path = "syntax/suite.rs"]
mod suite;

use std::sync::Arc;

use svc::diagnostic::{Diagnostic, Diagnostics};
use svc::syntax::{Document, parse};

/// Reads a text and returns the tree with what was reported.
fn read(text: &str) -> (Document, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let document = parse(&Arc::from(text), 0, &mut diagnostics);
    (document, diagnostics.iter().cloned().collect())
}
