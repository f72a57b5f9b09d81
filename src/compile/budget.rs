//! Whether everything can be stopped in the time that whoever stops svc allows.

use std::time::Duration;

use crate::base::duration::Exact;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::{Order, Plan};

/// How many services of the longest chain are labelled.
const SHOWN: usize = 12;

/// Says when the longest chain of grace periods is longer than `budget`.
pub(super) fn check(plan: &Plan, budget: Duration, out: &mut Diagnostics) {
    let (longest, chain) = Order::of(plan).longest_stop(plan);
    if longest <= budget {
        return;
    }
    let grace = |id: &crate::graph::ServiceId| plan.services[id.0 as usize].rules.stop.grace;
    let Some(&worst) = chain.iter().rev().max_by_key(|id| grace(id)) else { return };
    let message =
        format!("stopping everything may take {}, longer than the {} given", Exact(longest), Exact(budget));
    let span = plan.services[worst.0 as usize].span;
    let mut diagnostic = Diagnostic::error("svc::stop-budget", span, message);
    for (at, id) in chain.iter().enumerate().filter(|&(at, id)| at < SHOWN || *id == worst) {
        let service = &plan.services[id.0 as usize];
        let text = format!("{}. `{}` takes up to {}", at + 1, service.name, Exact(grace(id)));
        diagnostic = if *id == worst { diagnostic.here(text) } else { diagnostic.label(service.span, text) };
    }
    let name = &plan.services[worst.0 as usize].name;
    out.push(diagnostic.help(match chain.len() {
        1 => format!("give `{name}` a shorter `stop grace=`, or svc more time"),
        count => format!(
            "these {count} stop one after another; a shorter `stop grace=`, of `{name}` first of all, or more time for svc"
        ),
    }));
}
