//! What a compilation came to, without places: what two spellings of the same file have in common.

use svc::compile::Compiled;

/// A warning about a spelling, which is gone once the text is spelled otherwise.
const SPELLING: &str = "svc::comment-in-word";

/// Shows the plan and what was found, without where.
pub(crate) fn meaning(compiled: &Compiled) -> String {
    let findings = compiled.diagnostics.iter().filter(|found| found.code != SPELLING);
    let findings: Vec<_> = findings.map(|found| (found.code, unspaced(&found.message))).collect();
    placeless(&format!("{:?} {findings:?}", compiled.plan))
}

/// Shows the plan without where: also not whether the working directory is written or goes without saying, and
/// which of two relations between the same two is written first.
pub(crate) fn plan(compiled: &Compiled) -> String {
    let mut plan = compiled.plan.clone();
    if let Some(plan) = &mut plan {
        plan.edges.sort_by_key(|edge| (edge.dependent, edge.dependency, format!("{:?}", edge.relation)));
    }
    placeless(&format!("{plan:?}")).replace("working_dir_span: Some()", "working_dir_span: None")
}

fn placeless(text: &str) -> String {
    without(&without(text, "Span { lo: ", '}'), "verbatim: Some(", ')')
}

/// Takes blanks and newlines together: a message may quote a string of several lines as it is written.
fn unspaced(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes out every part that begins and ends so: places in the text.
fn without(text: &str, begin: &str, end: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(begin);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(part.split_once(end).map_or(part, |(_, rest)| rest));
    }
    out
}
