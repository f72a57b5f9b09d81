//! What the engine knows, in the forms of the API.

use crate::base::{ExitStatus, Shares, SpawnFailure, Stage};
use crate::control::wire;
use crate::control::words;
use crate::engine::action::{Cause, RequestResult, StateName};
use crate::engine::event::RequestId;
use crate::engine::run::RunEnd;
use crate::graph::change::{Change, Effect, Fate, Field};
use crate::graph::plan::{Launch, Service};
use crate::graph::{InstanceId, Plan, Relation};
use crate::model::policy::{Condition, Kind};
use crate::runtime::handle::{Groups, Happening, Notice, Overview, Seen, SeenRun};

/// Shows one instance.
pub(crate) fn instance(overview: &Overview, seen: &Seen) -> wire::Instance {
    let plan = &overview.plan;
    let view = &seen.view;
    let (id, instance) = (view.instance, plan.instance(view.instance));
    let service = plan.service_of(id);
    let launch = &instance.launch;
    wire::Instance {
        name: instance.name.to_string(),
        service: service.name.to_string(),
        kind: kind(service.kind),
        description: service.description.as_deref().map(str::to_owned),
        labels: service.labels.iter().map(|label| (label.key.clone(), label.value.clone())).collect(),
        disabled: service.is_off(),
        state: state(view.state),
        ready: view.ready,
        wanted: view.wanted,
        explicit: view.explicit,
        since: seen.since,
        cause: cause(plan, view.state, &view.cause),
        pid: seen.pid,
        invocation: view.invocation.map(|invocation| invocation.0),
        exit: view.last_exit.map(exit),
        restarts: view.restarts,
        failures_in_a_row: view.failures_in_a_row,
        due: seen.due.map(|at| wire::Due { at, text: words::due(view.state).to_owned() }),
        waits_for: view.waits_for.iter().map(|&(id, condition)| wait(plan, id, condition)).collect(),
        last_probe: view.last_probe.as_deref().map(str::to_owned),
        status: view.status.as_deref().map(str::to_owned),
        took_ms: view.took.map(|took| took.as_millis() as u64),
        scaled: scale_of(plan.service_of(seen.view.instance)),
        unwatched: unwatched(seen, &instance.name),
        unlimited: unlimited(&overview.groups, &instance.launch),
        next_run: seen.next_run,
        runs: seen.runs.iter().map(run).collect(),
        ports: instance
            .ports
            .iter()
            .map(|(name, number)| wire::Port { name: name.to_string(), number: *number })
            .collect(),
        command: launch.display.to_string(),
        log: seen.log.as_ref().map(|path| path.to_string_lossy().into_owned()),
        stderr_log: seen.stderr_log.as_ref().map(|path| path.to_string_lossy().into_owned()),
    }
}

/// Shows what an instance depends on, and what depends on it.
pub(crate) fn neighbours(
    overview: &Overview,
    id: InstanceId,
) -> (Vec<wire::Dependency>, Vec<wire::Dependency>) {
    let plan = &overview.plan;
    let shown = |other: InstanceId, relation: &Relation| {
        let (condition, required) = match relation {
            Relation::DependsOn { condition, required, .. } => (Some(condition.word().to_owned()), *required),
            Relation::Order => (None, false),
        };
        let state = state(overview.instances[other.0 as usize].view.state);
        wire::Dependency { instance: plan.instance(other).name.to_string(), condition, required, state }
    };
    let depends_on = plan.edges.iter().filter(|edge| edge.dependent == id);
    let dependents = plan.edges.iter().filter(|edge| edge.dependency == id);
    (
        depends_on.map(|edge| shown(edge.dependency, &edge.relation)).collect(),
        dependents.map(|edge| shown(edge.dependent, &edge.relation)).collect(),
    )
}

/// Shows something that happened.
pub(crate) fn event(notice: &Notice) -> wire::Event {
    let plan = &*notice.plan;
    let name = |id: InstanceId| plan.instance(id).name.to_string();
    let happening = match &notice.event {
        Happening::Transition(transition) => wire::Happening::Transition {
            instance: name(transition.instance),
            from: state(transition.from),
            to: state(transition.to),
            cause: cause(plan, transition.to, &transition.cause),
        },
        Happening::RequestEnded { request: RequestId(request), result } => {
            let (result, failed) = match result {
                RequestResult::Done => (wire::RequestResult::Done, Vec::new()),
                RequestResult::Failed(ids) => {
                    (wire::RequestResult::Failed, ids.iter().map(|&id| name(id)).collect())
                }
                RequestResult::Superseded => (wire::RequestResult::Superseded, Vec::new()),
                RequestResult::RolledBack(names) => {
                    (wire::RequestResult::RolledBack, names.iter().map(ToString::to_string).collect())
                }
            };
            wire::Happening::RequestEnded { request: *request, result, failed }
        }
        Happening::PlanChanged { change, removed } => plan_changed(plan, change, removed),
        Happening::Reloaded { instance, failure } => wire::Happening::Reloaded {
            instance: plan.instance(*instance).name.to_string(),
            failure: failure.clone(),
        },
        Happening::FilesChanged { instance, path } => {
            wire::Happening::FilesChanged { instance: name(*instance), path: path.clone() }
        }
        Happening::WatchPaused { instance, path } => {
            let name = name(*instance);
            let reason = words::watch_paused(&name, Some(path));
            wire::Happening::Unwatched { instance: name, reason }
        }
        Happening::Unwatched { instance, reason } => {
            wire::Happening::Unwatched { instance: name(*instance), reason: reason.clone() }
        }
        Happening::LogGap { instance, bytes, reason } => {
            wire::Happening::LogGap { instance: instance.clone(), bytes: *bytes, reason: reason.clone() }
        }
        Happening::Ended { code } => wire::Happening::Ended { code: *code },
    };
    wire::Event { sequence: notice.sequence, at: notice.at, happening }
}

fn plan_changed(plan: &Plan, change: &Change, removed: &[String]) -> wire::Happening {
    let of = |is: fn(&Fate) -> bool| {
        let found = plan.instances.iter().zip(&change.fates).filter(|(_, fate)| is(fate));
        found.map(|(instance, _)| instance.name.to_string()).collect()
    };
    wire::Happening::PlanChanged {
        added: of(|fate| *fate == Fate::Added),
        removed: removed.to_vec(),
        changed: of(|fate| matches!(fate, Fate::Kept { fields, .. } if !fields.is_empty())),
    }
}

/// Shows what putting a plan in force does, when `start` is asked for under it.
pub(crate) fn steps(old: &Plan, new: &Plan, change: &Change, start: &[InstanceId]) -> Vec<wire::PlanStep> {
    let carried = change.carried(old, new);
    let name = |id: InstanceId| new.instance(id).name.to_string();
    let kept = new.instances().zip(&change.fates).filter_map(|((id, _), fate)| {
        let added = |action| wire::PlanStep {
            instance: name(id),
            action,
            fields: replicas(new, id, old),
            because_of: None,
        };
        let (action, fields) = match fate {
            Fate::Added if start.contains(&id) => return Some(added(wire::PlanAction::Start)),
            Fate::Added => return Some(added(wire::PlanAction::Add)),
            Fate::Kept { fields, .. } if change.restarts(id) || carried.contains_key(&id) => {
                (wire::PlanAction::Restart, &fields[..])
            }
            Fate::Kept { fields, .. } if fields.is_empty() => return None,
            Fate::Kept { fields, .. } => (wire::PlanAction::Update, &fields[..]),
        };
        let fields = fields.iter().rev();
        let field = |f: &Field| wire::Field { name: f.name.to_owned(), effect: effect(f.effect) };
        let because_of = carried.get(&id).map(|&other| name(other));
        Some(wire::PlanStep { instance: name(id), action, fields: fields.map(field).collect(), because_of })
    });
    let gone = old.instances().zip(&change.after).filter(|(_, after)| after.is_none());
    let gone = gone.map(|((id, instance), _)| wire::PlanStep {
        instance: instance.name.to_string(),
        action: wire::PlanAction::Stop,
        fields: replicas(old, id, new),
        because_of: None,
    });
    kept.chain(gone).collect()
}

/// Names what changed when an instance is in one plan and its service in both.
fn replicas(plan: &Plan, id: InstanceId, other: &Plan) -> Vec<wire::Field> {
    let name = &plan.service_of(id).name;
    let stays = other.services.iter().any(|service| service.name == *name);
    stays
        .then(|| wire::Field { name: "replicas".to_owned(), effect: wire::Effect::Live })
        .into_iter()
        .collect()
}

/// Lists the services that have another number of instances than the service file says.
pub(crate) fn scaled(plan: &Plan) -> Vec<wire::Scaled> {
    plan.services.iter().filter_map(scale_of).collect()
}

fn scale_of(service: &Service) -> Option<wire::Scaled> {
    let file = service.scaled_from?;
    let replicas = service.instances.len() as u32;
    Some(wire::Scaled { service: service.name.to_string(), replicas, file })
}

/// Says what a supervisor can do with control groups.
pub(crate) fn groups(groups: &Groups) -> wire::Groups {
    let Groups { leaves, memory, cpu, pids, lacking, cleared } = groups;
    let limits = [("memory", memory), ("cpu", cpu), ("pids", pids)];
    wire::Groups {
        leaves: *leaves,
        limits: limits.into_iter().filter(|(_, can)| **can).map(|(name, _)| name.to_owned()).collect(),
        lacking: Some(lacking.clone()).filter(|why| !why.is_empty()),
        cleared: *cleared,
    }
}

/// Says why changes of the files that an instance watches are not seen, or lead to nothing.
fn unwatched(seen: &Seen, name: &str) -> Option<String> {
    let paused = seen.view.watch_paused.then(|| words::watch_paused(name, None));
    paused.or_else(|| seen.unwatched.clone())
}

/// Says which limits of an instance cannot be enforced.
fn unlimited(groups: &Groups, launch: &Launch) -> Option<wire::Unlimited> {
    let Shares { memory, cpu, pids } = launch.extras.as_ref()?.shares;
    let asked = [
        ("memory", memory.is_some() && !groups.memory),
        ("cpu", cpu.is_some() && !groups.cpu),
        ("pids", pids.is_some() && !groups.pids),
    ];
    let limits: Vec<String> =
        asked.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name.to_owned()).collect();
    (!limits.is_empty()).then(|| wire::Unlimited { limits, because: groups.lacking.clone() })
}

fn effect(effect: Effect) -> wire::Effect {
    match effect {
        Effect::Live => wire::Effect::Live,
        Effect::NextStart => wire::Effect::NextStart,
        Effect::Restart => wire::Effect::Restart,
    }
}

fn cause(plan: &Plan, state: StateName, cause: &Cause) -> wire::Cause {
    let mut shown = wire::Cause {
        kind: wire::CauseKind::Initial,
        text: words::cause(plan, state, cause),
        request: None,
        exit: None,
        instance: None,
        failure: None,
    };
    let name = |id: InstanceId| Some(plan.instance(id).name.to_string());
    shown.kind = match cause {
        Cause::Initial => wire::CauseKind::Initial,
        Cause::Request(request) => {
            shown.request = Some(request.0);
            wire::CauseKind::Request
        }
        Cause::Spawned => wire::CauseKind::Spawned,
        Cause::SpawnFailed(failed) => {
            shown.failure = Some(failure(*failed));
            wire::CauseKind::SpawnFailed
        }
        Cause::Exit(status) => {
            shown.exit = Some(exit(*status));
            wire::CauseKind::Exit
        }
        Cause::Announced => wire::CauseKind::Announced,
        Cause::Probe { .. } => wire::CauseKind::Probe,
        Cause::Timeout(_) => wire::CauseKind::Timeout,
        Cause::BackoffOver => wire::CauseKind::BackoffOver,
        Cause::Due => wire::CauseKind::Due,
        Cause::Changed { .. } => wire::CauseKind::Changed,
        Cause::Neighbour { instance, .. } => {
            shown.instance = name(*instance);
            wire::CauseKind::Neighbour
        }
        Cause::Needed { by } => {
            shown.instance = name(*by);
            wire::CauseKind::Needed
        }
        Cause::Along { with } => {
            shown.instance = name(*with);
            wire::CauseKind::Along
        }
        Cause::Restored => wire::CauseKind::Restored,
        Cause::Released => wire::CauseKind::Released,
        Cause::GaveUp { last, .. } => {
            shown.exit = last.map(exit);
            wire::CauseKind::GaveUp
        }
        Cause::Shutdown { instance } => {
            shown.instance = name(*instance);
            wire::CauseKind::Shutdown
        }
    };
    shown
}

fn wait(plan: &Plan, id: InstanceId, condition: Option<Condition>) -> wire::Wait {
    let name = &plan.instance(id).name;
    wire::Wait {
        instance: name.to_string(),
        condition: condition.map(|condition| condition.word().to_owned()),
        text: words::awaited(name, condition),
    }
}

fn run(seen: &SeenRun) -> wire::Run {
    let SeenRun { at, run } = *seen;
    let (result, exit) = match run.end {
        RunEnd::Succeeded => (wire::RunResult::Succeeded, None),
        RunEnd::Failed(status) => (wire::RunResult::Failed, Some(exit(status))),
        RunEnd::TimedOut => (wire::RunResult::TimedOut, None),
        RunEnd::NotStarted => (wire::RunResult::NotStarted, None),
        RunEnd::Stopped => (wire::RunResult::Stopped, None),
    };
    wire::Run { at, took_ms: run.took.as_millis() as u64, result, exit }
}

fn exit(status: ExitStatus) -> wire::Exit {
    match status {
        ExitStatus::Code(code) => wire::Exit::Code(code),
        ExitStatus::Signal(signal) => wire::Exit::Signal(signal.to_string()),
        ExitStatus::OutOfMemory { limit } => wire::Exit::OutOfMemory(limit.map(|limit| limit.0)),
        ExitStatus::Unknown => wire::Exit::Unknown(()),
    }
}

fn failure(failure: SpawnFailure) -> wire::Failure {
    let stage = match failure.stage {
        Stage::Log => wire::FailureStage::Log,
        Stage::Listen => wire::FailureStage::Listen,
        Stage::Fork => wire::FailureStage::Fork,
        Stage::Cgroup => wire::FailureStage::Cgroup,
        Stage::Session => wire::FailureStage::Session,
        Stage::Limits => wire::FailureStage::Limits,
        Stage::Priority => wire::FailureStage::Priority,
        Stage::Group => wire::FailureStage::Group,
        Stage::User => wire::FailureStage::User,
        Stage::WorkingDirectory => wire::FailureStage::WorkingDirectory,
        Stage::Descriptors => wire::FailureStage::Descriptors,
        Stage::Exec => wire::FailureStage::Exec,
    };
    wire::Failure { stage, errno: failure.errno }
}

fn kind(kind: Kind) -> wire::Kind {
    match kind {
        Kind::Service => wire::Kind::Service,
        Kind::Task => wire::Kind::Task,
    }
}

fn state(state: StateName) -> wire::State {
    match state {
        StateName::Inactive => wire::State::Inactive,
        StateName::Disabled => wire::State::Disabled,
        StateName::Waiting => wire::State::Waiting,
        StateName::Scheduled => wire::State::Scheduled,
        StateName::Starting => wire::State::Starting,
        StateName::Ready => wire::State::Ready,
        StateName::Unhealthy => wire::State::Unhealthy,
        StateName::Stopping => wire::State::Stopping,
        StateName::Backoff => wire::State::Backoff,
        StateName::Completed => wire::State::Completed,
        StateName::Failed => wire::State::Failed,
    }
}
