//! A plan as text: for people, for Graphviz, for Mermaid, for programs.
//!
//! Each printer is a pure function from a plan to a string and says the same of the same plan. Every
//! service stands in every form, also one that nothing is connected with; replicas stand once, with
//! their number.

mod dot;
mod json;
mod mermaid;
mod tree;

pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;
pub use tree::{Direction, Style, inventory, tree};

use crate::base::duration::Exact;
use crate::graph::plan::{Link, Plan, Readiness, Relation, Service};
use crate::model::policy::{Condition, Kind};

/// Returns the name with its number of replicas: `api ×3`.
fn title(service: &Service, times: char) -> String {
    match service.instances.len() {
        1 => service.name.to_string(),
        count => format!("{} {times}{count}", service.name),
    }
}

/// Returns what a link waits for in one word, and what is out of the ordinary about it.
///
/// `ready` is shown as what it means for its target, so that nobody has to know the defaults.
fn words(plan: &Plan, link: &Link) -> (&'static str, Vec<String>) {
    let Relation::DependsOn { condition, required, restart, timeout } = link.relation else {
        return ("after", Vec::new());
    };
    let target = plan.service(link.dependency);
    let condition = match (condition, target.kind, target.rules.readiness) {
        (Condition::Ready, Kind::Task, _) => Condition::CompletedSuccessfully,
        (Condition::Ready, Kind::Service, Readiness::Started) => Condition::Started,
        (condition, _, _) => condition,
    };
    let mut remarks = Vec::new();
    if !required {
        remarks.push("not required".to_owned());
    }
    if restart {
        remarks.push("restarts with it".to_owned());
    }
    if let Some(timeout) = timeout {
        remarks.push(format!("for {} at most", Exact(timeout)));
    }
    (condition.word(), remarks)
}
