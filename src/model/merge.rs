//! Layers: what a service says itself is laid over what holds for several.
//!
//! The order is built-in < `defaults` < `template` chain < service < overlay files. A node of an upper layer replaces the whole node of that name
//! below; the nodes of a repeatable row merge by key, as their types say. What comes out is one [`Settings`] for
//! each service, in which every value still knows where it is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::duration::Exact;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::node::settings::{BackoffNode, Settings};
use crate::model::policy::Kind;
use crate::probe::Class;
use crate::schema::Context;

/// What holds for every service, and what holds for every task.
#[derive(Debug, Default)]
pub struct Defaults {
    service: Settings,
    task: Settings,
    /// Where they are written, blocks included.
    spans: Vec<Span>,
}

impl Defaults {
    /// Makes them of what the `defaults` nodes say, which stand at `spans`: what concerns only the other kind is
    /// left out. A task ends, so what is meant for what keeps running is not meant for it; and only a task has
    /// a `timeout` and a `schedule`.
    pub fn new(settings: Settings, spans: Vec<Span>) -> Self {
        let service = Settings { timeout: None, schedule: None, every: None, ..settings.clone() };
        let task = Settings { restart: None, forks: None, reload: None, event_listener: None, ..settings };
        Self { service, task, spans }
    }

    /// Lays a service over them.
    pub fn below(&self, over: &mut Settings, kind: Kind) {
        lay(
            over,
            match kind {
                Kind::Service => &self.service,
                Kind::Task => &self.task,
            },
        );
        // A name in them that is the service's own is meant for the others.
        let Some(name) = &over.name else { return };
        let meant = |other: &Spanned<_>| other.value != name.value || !self.hold(other.span);
        for node in &mut over.depends_on {
            node.list.retain(|dependency| meant(&dependency.name));
        }
        for node in over.after.iter_mut().chain(&mut over.before) {
            node.names.retain(meant);
        }
        for nodes in [&mut over.after, &mut over.before] {
            // What the service says itself, too, is said once.
            let names = nodes.iter().flat_map(|node| &node.names);
            let own: BTreeSet<_> =
                names.filter(|name| !self.hold(name.span)).map(|name| name.value.clone()).collect();
            for node in nodes {
                node.names.retain(|name| !self.hold(name.span) || !own.contains(&name.value));
            }
        }
    }

    fn hold(&self, span: Span) -> bool {
        self.spans.iter().any(|whole| whole.lo <= span.lo && span.hi <= whole.hi)
    }
}

/// Lays one layer over another.
pub fn lay(over: &mut Settings, under: &Settings) {
    // Both say what runs: with one of them, the other is not inherited.
    if let Some(command) = &over.command {
        over.resets.push(Spanned::new("shell", command.span));
    } else if let Some(shell) = &over.shell {
        over.resets.push(Spanned::new("command", shell.span));
    }
    // So do both say when it runs.
    if let Some(schedule) = &over.schedule {
        over.resets.push(Spanned::new("every", schedule.span));
    } else if let Some(every) = &over.every {
        over.resets.push(Spanned::new("schedule", every.span));
    }
    over.inherit(under);
}

/// Says what is wrong in one layer by itself, so that it is said once however many services use it. Of what is
/// there twice the first is kept.
pub fn check(settings: &mut Settings, cx: &mut Context<'_>) {
    if let (Some(command), Some(shell)) = (&settings.command, &settings.shell) {
        let message = "there is a `command` and a `shell`";
        let diagnostic = Diagnostic::error("svc::command-and-shell", shell.span, message);
        cx.say(diagnostic.here("and this").label(command.span, "this").help("keep one of them"));
    }
    for (node, class) in [
        (&settings.readiness, Class::Readiness),
        (&settings.liveness, Class::Liveness),
        (&settings.startup, Class::Startup),
    ] {
        if let Some(node) = node {
            let damaged = cx.is_damaged(node.span);
            node.check(class, damaged, &mut |diagnostic| cx.say(diagnostic));
        }
    }
    if let Some(node) = &settings.backoff {
        backoff(node, cx);
    }
    further(settings, cx);
    twice(settings, cx);
}

/// Says what is wrong in the nodes that look at themselves.
fn further(settings: &Settings, cx: &mut Context<'_>) {
    if let (Some(schedule), Some(every)) = (&settings.schedule, &settings.every) {
        let message = "there is a `schedule` and an `every`";
        let diagnostic = Diagnostic::error("svc::schedule-and-every", every.span, message);
        cx.say(diagnostic.here("this").label(schedule.span, "and this").help("keep one of them"));
    }
    let Settings { replicas, logs, limits, forks, reload, schedule, every, event_listener, .. } = settings;
    if let Some(node) = replicas {
        node.check(cx);
    }
    if let Some(node) = logs {
        node.check(cx);
    }
    if let Some(node) = limits {
        node.check(cx);
    }
    if let Some(node) = forks {
        node.check(cx);
    }
    if let Some(node) = reload {
        node.check(cx);
    }
    if let Some(node) = schedule {
        node.check(cx);
    }
    if let Some(node) = every {
        node.check(cx);
    }
    if let Some(node) = event_listener {
        node.check(cx);
    }
    for node in &settings.listen {
        node.check(cx);
    }
    if let Some(watchdog) = settings.watchdog.as_ref().and_then(|node| node.value)
        && watchdog.value.is_zero()
    {
        let message = "nothing can say that it is alive all the time";
        cx.say(
            Diagnostic::error("svc::out-of-range", watchdog.span, message).help("write `watchdog \"30s\"`"),
        );
    }
}

/// Says which dependencies and ports are there twice.
fn twice(settings: &mut Settings, cx: &mut Context<'_>) {
    let mut seen = BTreeMap::new();
    // Most have one, of which nothing needs to be remembered.
    if settings.depends_on.iter().map(|node| node.list.len()).sum::<usize>() > 1 {
        for node in &mut settings.depends_on {
            node.list.retain(|dependency| {
                let Spanned { value: name, span } = &dependency.name;
                let first = *seen.entry(name.clone()).or_insert(*span);
                if first != *span {
                    let what = format!("the dependency `{name}`");
                    cx.twice("svc::duplicate-dependency", &what, first, *span);
                }
                first == *span
            });
        }
    }
    let mut seen = BTreeMap::new();
    for node in &mut settings.port {
        node.ports.retain(|port| {
            let span = port.number.span;
            let first = *seen.entry(port.name.clone()).or_insert(span);
            if first != span {
                cx.twice("svc::duplicate-property", "this port", first, span);
            }
            first == span
        });
    }
}

fn backoff(node: &BackoffNode, cx: &mut Context<'_>) {
    let mut within = |value: Option<Spanned<f64>>, (low, high): (f64, f64)| {
        if let Some(Spanned { value, span }) = value
            && !(low..=high).contains(&value)
        {
            let diagnostic = Diagnostic::error(
                "svc::out-of-range",
                span,
                format!("{value} is too {}", if value < low { "small" } else { "large" }),
            );
            cx.say(diagnostic.help(format!("it goes from {low} to {high}")));
        }
    };
    within(node.factor, (1.0, 1000.0));
    within(node.jitter, (0.0, 1.0));
    let policy = node.policy();
    if policy.limit < policy.first {
        let spans = (node.first.map(|first| first.span), node.limit.map(|limit| limit.span));
        let place = spans.1.or(spans.0).unwrap_or(node.span);
        let (first, limit) = (Exact(policy.first), Exact(policy.limit));
        let message = format!("the longest delay, {limit}, is below the first one, {first}");
        let mut diagnostic = Diagnostic::error("svc::backoff-limit", place, message);
        if let (Some(first), Some(_)) = spans {
            diagnostic = diagnostic.label(first, "the first delay");
        }
        cx.say(diagnostic.help(format!("write `limit=\"{first}\"` or more")));
    }
}
