//! Edges that say something their ends can never do.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::graph::check::{Wire, Written};
use crate::graph::plan::{Instance, Readiness, Relation, Service};
use crate::model::policy::{Condition, Kind};
use crate::probe::Probe;

fn dependent<'a>(services: &'a [Service], wire: &Wire) -> &'a Service {
    &services[wire.dependent.0 as usize]
}

fn dependency<'a>(services: &'a [Service], wire: &Wire) -> &'a Service {
    &services[wire.dependency.0 as usize]
}

/// Reports conditions that their target can never meet.
pub(crate) fn conditions(
    services: &[Service],
    instances: &[Instance],
    wires: &[Wire],
    out: &mut Diagnostics,
) {
    for wire in wires {
        let Relation::DependsOn { condition, .. } = wire.relation else { continue };
        let target = dependency(services, wire);
        let possible = match condition {
            Condition::Started | Condition::Ready => true,
            Condition::Healthy => target.rules.readiness != Readiness::Started,
            Condition::LogReady => waits_for_a_line(target, instances),
            Condition::Completed | Condition::CompletedSuccessfully => target.kind == Kind::Task,
        };
        if !possible {
            out.push(impossible(services, wire, condition));
        }
    }
}

/// Returns whether a service is ready with a line in its log. Where its readiness could not be worked
/// out, which was reported, nothing follows from what is missing.
fn waits_for_a_line(service: &Service, instances: &[Instance]) -> bool {
    let first = instances.get(service.instances.start as usize);
    let probe = first.and_then(|instance| instance.launch.readiness.as_ref());
    match (service.rules.readiness, probe) {
        (Readiness::Announced, Some(probe)) => matches!(probe, Probe::Log(_)),
        (Readiness::Announced, None) => true,
        (Readiness::Started | Readiness::Probed(_), _) => false,
    }
}

fn impossible(services: &[Service], wire: &Wire, condition: Condition) -> Diagnostic {
    let target = dependency(services, wire);
    let name = &target.name;
    let (why, help) = match condition {
        Condition::Completed | Condition::CompletedSuccessfully => (
            format!("`{name}` is a service: it is meant to keep running"),
            format!("wait with `depends-on {name}=ready`, or make `{name}` a `task`"),
        ),
        Condition::LogReady => (
            format!("`{name}` has no `readiness log=`"),
            format!(
                "add `readiness log=\"…\"` with the line that tells, or write `depends-on {name}=started`"
            ),
        ),
        Condition::Started | Condition::Ready | Condition::Healthy => (
            format!("`{name}` has no `readiness`"),
            format!("add a `readiness` to `{name}`, or write `depends-on {name}=started`"),
        ),
    };
    let message = format!("`{name}` can never be `{}`", condition.word());
    let span = wire.condition_span.unwrap_or(wire.span);
    Diagnostic::error("svc::impossible-condition", span, message)
        .here(format!("`{}` would wait for ever", dependent(services, wire).name))
        .label(target.span, why)
        .help(help)
}

/// Warns of dependencies on what is disabled: they start it all the same.
pub(crate) fn disabled(services: &[Service], wires: &[Wire], out: &mut Diagnostics) {
    for wire in wires.iter().filter(|wire| wire.written == Written::DependsOn) {
        let (from, to) = (dependent(services, wire), dependency(services, wire));
        if to.disabled && !from.disabled {
            let message = format!("`{}` depends on `{}`, which is disabled", from.name, to.name);
            out.push(
                Diagnostic::warning("svc::disabled-dependency", wire.span, message)
                    .here(format!("starting `{}` starts it all the same", from.name))
                    .label(to.span, "disabled")
                    .help(format!(
                        "remove `disabled` from `{0}`, or write `after {0}` to wait without starting it",
                        to.name
                    )),
            );
        }
    }
}

/// Warns of dependencies on what is only in other profiles: they start it all the same.
pub(crate) fn profiles(services: &[Service], wires: &[Wire], out: &mut Diagnostics) {
    for wire in wires.iter().filter(|wire| wire.written == Written::DependsOn) {
        let (from, to) = (dependent(services, wire), dependency(services, wire));
        let missing = match from.profiles.as_slice() {
            _ if to.profiles.is_empty() || from.disabled => continue,
            [] => "without a profile".to_owned(),
            own => match own.iter().find(|own| !to.profiles.contains(own)) {
                Some(own) => format!("in the profile `{own}`"),
                None => continue,
            },
        };
        let profiles: Vec<String> = to.profiles.iter().map(|profile| format!("`{profile}`")).collect();
        let (word, list) = (if profiles.len() == 1 { "profile" } else { "profiles" }, profiles.join(", "));
        let message = format!("`{}` depends on `{}`, which is only in the {word} {list}", from.name, to.name);
        out.push(
            Diagnostic::warning("svc::profile-dependency", wire.span, message)
                .here(format!("{missing}, `{}` starts it all the same", from.name))
                .label(to.span, format!("only in {list}"))
                .help(format!(
                    "give both the same profiles, or write `after {}` to wait without starting it",
                    to.name
                )),
        );
    }
}

/// Reports edges that are written twice.
pub(crate) fn repeated(services: &[Service], wires: &[Wire], out: &mut Diagnostics) {
    let mut sorted: Vec<&Wire> = wires.iter().collect();
    let class = |wire: &Wire| wire.written == Written::DependsOn;
    sorted.sort_by_key(|wire| (wire.dependent, wire.dependency, class(wire), wire.span));
    for pair in sorted.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        let same = first.dependent == second.dependent && first.dependency == second.dependency;
        // An edge of a template or an included file that is read twice is one edge.
        if !same || class(first) != class(second) || first.span == second.span {
            continue;
        }
        let (from, to) = (&dependent(services, first).name, &dependency(services, first).name);
        out.push(if class(first) {
            twice(Diagnostic::error, second.span, first.span, format!("`{from}` depends on `{to}` twice"))
                .help("keep the one that is meant")
        } else {
            let message = format!("that `{from}` comes after `{to}` is said twice");
            twice(Diagnostic::warning, second.span, first.span, message).help("one of them is enough")
        });
    }
}

fn twice(
    make: fn(&'static str, Span, String) -> Diagnostic,
    second: Span,
    first: Span,
    message: String,
) -> Diagnostic {
    make("svc::duplicate-edge", second, message).here("again here").label(first, "first here")
}
