//! What a person is told about control groups: which limits do not hold, and how processes are found.

use std::fmt::Write;

use crate::base::Shares;
use crate::control::wire::{Groups, Services, Unlimited};
use crate::graph::plan::Service;
use crate::graph::{InstanceId, Plan};

/// Said when a supervisor gives no reason, which it always does.
const UNKNOWN: &str = "the supervisor does not say why";

/// Says, when a supervisor was just started, what a killed one had left and which limits do not hold.
pub fn at_start(groups: &Groups, plan: &Plan, was_killed: bool) -> String {
    let mut text = String::new();
    match (was_killed, groups) {
        (true, Groups { leaves: true, cleared: 0, .. }) => {
            text += "warning: the supervisor before this one was killed with its guard; nothing it had started runs\n";
        }
        (true, Groups { leaves: true, cleared, .. }) => {
            let _ = writeln!(
                text,
                "warning: the supervisor before this one was killed with its guard; {cleared} {} it had left {} ended",
                if *cleared == 1 { "process" } else { "processes" },
                if *cleared == 1 { "was" } else { "were" },
            );
        }
        (true, Groups { leaves: false, .. }) => {
            text += "warning: the supervisor before this one was killed with its guard; what it had started may still run\n";
        }
        (false, _) => {}
    }
    let all: Vec<String> = ["memory", "cpu", "pids"]
        .into_iter()
        .filter(|name| !groups.limits.iter().any(|limit| limit == name))
        .filter_map(|name| {
            let services: Vec<&str> =
                plan.services.iter().filter(|s| asks(plan, s, name)).map(|s| s.name.as_str()).collect();
            (!services.is_empty()).then(|| format!("`{name}` of {}", services.join(", ")))
        })
        .collect();
    if !all.is_empty() {
        let why = groups.lacking.as_deref().unwrap_or(UNKNOWN);
        let _ = writeln!(text, "warning: limits that do not hold here: {}\n  {why}", all.join("; "));
    }
    text
}

/// Returns whether a service has this limit.
fn asks(plan: &Plan, service: &Service, limit: &str) -> bool {
    let launches = service.instances.clone().map(|id| &plan.instance(InstanceId(id)).launch);
    launches.filter_map(|launch| launch.extras.as_ref()).any(|extras| {
        let Shares { memory, cpu, pids } = extras.shares;
        match limit {
            "memory" => memory.is_some(),
            "cpu" => cpu.is_some(),
            _ => pids.is_some(),
        }
    })
}

/// Says below a list which limits do not hold.
pub fn below_list(services: &Services) -> String {
    let mut text = String::new();
    let mut said: Vec<&Unlimited> = Vec::new();
    for unlimited in services.instances.iter().filter_map(|instance| instance.unlimited.as_ref()) {
        if said.contains(&unlimited) {
            continue;
        }
        said.push(unlimited);
        let of = services.instances.iter().filter(|other| other.unlimited.as_ref() == Some(unlimited));
        let of: Vec<&str> = of.map(|instance| instance.name.as_str()).collect();
        let _ = writeln!(text, "limits of {}: {}", of.join(", "), line(unlimited));
    }
    text
}

/// Says how the processes of a service are found when all of them are killed.
pub fn how_found(groups: &Groups) -> String {
    if groups.leaves {
        "all processes of a service are found by its control group\n".to_owned()
    } else {
        let why = groups.lacking.as_deref().unwrap_or(UNKNOWN);
        format!("processes are found by session and process group, not by a control group: {why}\n")
    }
}

/// Says which limits do not hold and why.
pub fn line(unlimited: &Unlimited) -> String {
    format!("{} cannot be enforced here: {}", unlimited.limits.join(", "), unlimited.because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::instance;
    use crate::control::wire::{Instance, State};

    #[test]
    fn limits_that_do_not_hold_are_told_once_for_all_that_have_them() {
        let limited = |name: &str, limits: &[&str]| Instance {
            unlimited: Some(Unlimited {
                limits: limits.iter().map(|limit| (*limit).to_owned()).collect(),
                because: "there is no cgroup".to_owned(),
            }),
            ..instance(name, State::Ready)
        };
        let both = ["memory", "pids"];
        let all = vec![
            limited("api.0", &both),
            limited("api.1", &both),
            limited("db", &["cpu"]),
            instance("web", State::Ready),
        ];
        insta::assert_snapshot!(below_list(&crate::cli::sample::services(1, all)), @"
        limits of api.0, api.1: memory, pids cannot be enforced here: there is no cgroup
        limits of db: cpu cannot be enforced here: there is no cgroup
        ");
    }

    #[test]
    fn what_a_killed_supervisor_left_is_told_as_it_is() {
        let plan = Plan::default();
        let with = |leaves, cleared| Groups { leaves, cleared, ..Groups::default() };
        assert_eq!(at_start(&with(true, 0), &plan, false), "");
        let told =
            [(true, 0), (true, 1), (true, 7), (false, 0)].map(|(l, c)| at_start(&with(l, c), &plan, true));
        insta::assert_snapshot!(told.concat(), @"
        warning: the supervisor before this one was killed with its guard; nothing it had started runs
        warning: the supervisor before this one was killed with its guard; 1 process it had left was ended
        warning: the supervisor before this one was killed with its guard; 7 processes it had left were ended
        warning: the supervisor before this one was killed with its guard; what it had started may still run
        ");
    }
}
