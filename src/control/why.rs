//! How an instance came to its state: the chain of causes, from the root to the present.
//!
//! A state is followed back to what led to it. What another instance did is looked up among the
//! recent events, because that instance may be in a different state by now; what an instance waits
//! for is followed through the instance as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::control::feed::Recent;
use crate::control::wire::Step;
use crate::control::words;
use crate::engine::action::{Cause, StateName};
use crate::graph::InstanceId;
use crate::model::policy::Condition;
use crate::runtime::handle::{Happening, Overview};

/// A state that an instance is or was in.
struct Link<'a> {
    instance: InstanceId,
    state: StateName,
    cause: &'a Cause,
    at: Timestamp,
    /// What it waits for, when it is in that state now.
    waits_for: &'a [(InstanceId, Option<Condition>)],
}

/// Tells how `id` came to its state, root cause first.
pub(crate) fn chain(overview: &Overview, recent: &Recent, id: InstanceId) -> Vec<Step> {
    let plan = &overview.plan;
    let mut steps = Vec::new();
    let mut met = BTreeSet::new();
    let mut link = now(overview, id);
    // An instance that is met in the same state again would lead in a circle.
    while met.insert((link.instance, link.at)) {
        let step = |at, text| Step { instance: plan.instance(link.instance).name.to_string(), at, text };
        steps.push(step(Some(link.at), state_text(overview, &link)));
        let next = if let Some(blocker) = blocker(overview, link.waits_for) {
            Some(now(overview, blocker))
        } else if let Cause::Neighbour { instance, state } = *link.cause {
            then(overview, recent, instance, state, link.at)
        } else {
            None
        };
        let Some(next) = next else {
            if *link.cause != Cause::Initial {
                steps.push(step(Some(link.at), words::cause(plan, link.state, link.cause)));
            }
            break;
        };
        link = next;
    }
    steps.reverse();
    steps
}

fn now(overview: &Overview, id: InstanceId) -> Link<'_> {
    let seen = &overview.instances[id.0 as usize];
    Link {
        instance: id,
        state: seen.view.state,
        cause: &seen.view.cause,
        at: seen.since,
        waits_for: &seen.view.waits_for,
    }
}

/// Finds how `instance` came to be in `state` at `before`; `None` when that is no longer known.
fn then<'a>(
    overview: &'a Overview,
    recent: &'a Recent,
    instance: InstanceId,
    state: StateName,
    before: Timestamp,
) -> Option<Link<'a>> {
    let present = now(overview, instance);
    if present.state == state && present.at <= before {
        return Some(present);
    }
    recent.notices().rev().find_map(|notice| match &notice.event {
        Happening::Transition(past)
            if past.instance == instance
                && past.to == state
                && notice.at <= before
                && Arc::ptr_eq(&notice.plan, &overview.plan) =>
        {
            Some(Link { instance, state, cause: &past.cause, at: notice.at, waits_for: &[] })
        }
        _ => None,
    })
}

/// Picks what holds a waiting instance up: of all it waits for, the one that is worst off.
fn blocker(overview: &Overview, waits_for: &[(InstanceId, Option<Condition>)]) -> Option<InstanceId> {
    let trouble = |id: InstanceId| match overview.instances[id.0 as usize].view.state {
        StateName::Failed => 5,
        StateName::Backoff => 4,
        StateName::Unhealthy => 3,
        StateName::Inactive | StateName::Disabled | StateName::Stopping => 2,
        StateName::Waiting | StateName::Starting => 1,
        StateName::Ready | StateName::Scheduled | StateName::Completed => 0,
    };
    // The first of equals: the order of the service file.
    waits_for.iter().rev().map(|&(id, _)| id).max_by_key(|&id| trouble(id))
}

fn state_text(overview: &Overview, link: &Link<'_>) -> String {
    let plan = &overview.plan;
    if link.waits_for.is_empty() {
        return words::present(plan.service_of(link.instance).kind, link.state).to_owned();
    }
    let awaited: Vec<String> = link
        .waits_for
        .iter()
        .map(|&(id, condition)| words::awaited(&plan.instance(id).name, condition))
        .collect();
    format!("waits for {}", awaited.join(", "))
}
