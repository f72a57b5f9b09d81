//! The plan for Mermaid, as GitHub and others draw it from a code block.

use std::fmt::Write;

use crate::graph::plan::{Plan, Relation};
use crate::graph::print::{title, words};
use crate::model::policy::Kind;

/// Prints `plan` as a Mermaid flowchart. Tasks are rounded, ordering edges dotted, disabled services
/// dashed. Nodes are numbered, since a service may be called `end`, which is a word of Mermaid's.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("a string takes all");
    line(format_args!("---\ntitle: {}\n---", serde_json::Value::from(plan.project.as_str())));
    line(format_args!("flowchart TD"));
    for (id, service) in plan.services() {
        let label = escaped(&title(service, '×'));
        let (open, close) = match service.kind {
            Kind::Service => ("[", "]"),
            Kind::Task => ("([", "])"),
        };
        let class = if service.is_off() { ":::disabled" } else { "" };
        line(format_args!("    s{}{open}\"{label}\"{close}{class}", id.0));
    }
    for link in plan.links() {
        let (word, remarks) = words(plan, &link);
        let label = std::iter::once(word).chain(remarks.iter().map(String::as_str)).collect::<Vec<_>>();
        let arrow = match link.relation {
            Relation::DependsOn { .. } => "-->",
            Relation::Order => "-.->",
        };
        let label = escaped(&label.join(", "));
        line(format_args!("    s{} {arrow}|\"{label}\"| s{}", link.dependent.0, link.dependency.0));
    }
    if plan.services.iter().any(|service| service.is_off()) {
        line(format_args!("    classDef disabled stroke-dasharray: 4 4"));
    }
    out
}

/// Returns `text` for the inside of a quoted label: what would end it or start something is written
/// as one of Mermaid's entity codes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_label_holds_it_stays_one_label() {
        assert_eq!(escaped("a \"b\" #1 <br>\nc"), "a #quot;b#quot; #35;1 #lt;br#gt; c");
    }
}
