//! The plan for Graphviz: an arrow leads from what waits to what it waits for.

use std::fmt::Write;

use crate::graph::plan::{Plan, Relation};
use crate::graph::print::{title, words};
use crate::model::policy::Kind;

/// Prints `plan` in the DOT language. Tasks are rounded, ordering edges and disabled services dashed.
pub fn dot(plan: &Plan) -> String {
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("a string takes all");
    line(format_args!("digraph {} {{", quoted(&plan.project)));
    line(format_args!("    node [shape=box];"));
    for service in &plan.services {
        let mut style = Vec::new();
        if service.kind == Kind::Task {
            style.push("rounded");
        }
        if service.is_off() {
            style.push("dashed");
        }
        let mut attributes = Vec::new();
        if service.instances.len() != 1 {
            attributes.push(format!("label={}", quoted(&title(service, '×'))));
        }
        if !style.is_empty() {
            attributes.push(format!("style={}", quoted(&style.join(","))));
        }
        line(format_args!("    {}{};", quoted(service.name.as_str()), list(&attributes)));
    }
    for link in plan.links() {
        let (word, remarks) = words(plan, &link);
        let label = std::iter::once(word).chain(remarks.iter().map(String::as_str)).collect::<Vec<_>>();
        let mut attributes = vec![format!("label={}", quoted(&label.join(", ")))];
        if link.relation == Relation::Order {
            attributes.push("style=\"dashed\"".to_owned());
        }
        let ends = [link.dependent, link.dependency].map(|id| quoted(plan.service(id).name.as_str()));
        line(format_args!("    {} -> {}{};", ends[0], ends[1], list(&attributes)));
    }
    line(format_args!("}}"));
    out
}

fn list(attributes: &[String]) -> String {
    if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) }
}

/// Returns `text` as a quoted string of the DOT language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_holds_it_stays_one_string() {
        assert_eq!(quoted(r#"a "b" \"#), r#""a \"b\" \\""#);
        assert_eq!(quoted("two\nlines"), "\"two lines\"");
    }
}
