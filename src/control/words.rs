//! Causes, states and results in words: said once, for `ps`, `why`, events and the account of `up`.
//!
//! Lower case, no full stop, without the name of the instance they are about, so that they can
//! stand behind it.

use crate::base::ExitStatus;
use crate::engine::action::{Cause, Limit, StateName};
use crate::graph::{InstanceId, Plan};
use crate::model::policy::{Condition, Kind};
use crate::probe::Class;

/// Says how a process ended: `exited with code 3`.
pub fn exit(exit: ExitStatus) -> String {
    match exit {
        ExitStatus::Code(code) => format!("exited with code {code}"),
        ExitStatus::Signal(signal) => format!("killed by {signal}"),
        ExitStatus::OutOfMemory { .. } => exit.to_string(),
        ExitStatus::Unknown => "ended, nobody knows how".to_owned(),
    }
}

/// Says what led to `state`: `exited with code 3`, `db failed`.
pub fn cause(plan: &Plan, state: StateName, cause: &Cause) -> String {
    match cause {
        Cause::Initial => "nothing happened yet".to_owned(),
        Cause::Request(_) => requested(state).to_owned(),
        Cause::Spawned => "started".to_owned(),
        Cause::SpawnFailed(failure) => format!("could not be started: {failure}"),
        Cause::Exit(status) => exit(*status),
        Cause::Announced => "announced by itself".to_owned(),
        Cause::Probe { class, detail } => format!("{} probe: {detail}", class_word(*class)),
        Cause::Timeout(limit) => timeout(*limit).to_owned(),
        Cause::BackoffOver => "started again after its delay".to_owned(),
        Cause::Due => "its time came".to_owned(),
        Cause::Changed { path } => format!("`{path}` changed"),
        Cause::Neighbour { instance, state } => format!("{} {}", name(plan, *instance), became(*state)),
        Cause::Needed { by } => format!("{} needs it", name(plan, *by)),
        Cause::Along { with } => format!("goes down with {}, which it depends on", name(plan, *with)),
        Cause::Restored => "found so when svc was started anew".to_owned(),
        Cause::Released => "nothing needs it any more".to_owned(),
        Cause::GaveUp { restarts, last } => gave_up(*restarts, *last),
        Cause::Shutdown { instance } => {
            format!("the end of {} shuts the project down", name(plan, *instance))
        }
    }
}

/// Says what was asked of an instance that is in a state because of that.
fn requested(state: StateName) -> &'static str {
    match state {
        StateName::Inactive | StateName::Disabled | StateName::Stopping => "was asked to stop",
        StateName::Waiting
        | StateName::Scheduled
        | StateName::Starting
        | StateName::Ready
        | StateName::Unhealthy
        | StateName::Backoff
        | StateName::Completed
        | StateName::Failed => "was asked to start",
    }
}

/// Says what an instance does or is in a state: `waits for its next start`.
pub fn present(kind: Kind, state: StateName) -> &'static str {
    match (state, kind) {
        (StateName::Inactive, _) => "is not running",
        (StateName::Disabled, _) => "is disabled in the service file",
        (StateName::Waiting, _) => "waits to be started",
        (StateName::Scheduled, _) => "waits for its time",
        (StateName::Starting, _) => "is starting",
        (StateName::Ready, Kind::Service) => "is ready",
        (StateName::Ready, Kind::Task) => "is running",
        (StateName::Unhealthy, _) => "is unhealthy",
        (StateName::Stopping, _) => "is stopping",
        (StateName::Backoff, _) => "waits for its next start",
        (StateName::Completed, _) => "has completed",
        (StateName::Failed, _) => "has failed for good",
    }
}

/// Says what becomes of a waiting instance: `db to be ready`; stands behind `waits for`.
pub fn awaited(name: &str, condition: Option<Condition>) -> String {
    match condition {
        Some(Condition::Started) => format!("{name} to be started"),
        Some(Condition::Ready) => format!("{name} to be ready"),
        Some(Condition::Healthy) => format!("{name} to be healthy"),
        Some(Condition::LogReady) => format!("{name} to write its ready line"),
        Some(Condition::Completed) => format!("{name} to end"),
        Some(Condition::CompletedSuccessfully) => format!("{name} to complete successfully"),
        None => format!("{name} to go first"),
    }
}

/// Says what time will bring to an instance in a state: `starts again`.
pub fn due(state: StateName) -> &'static str {
    match state {
        StateName::Backoff => "starts again",
        StateName::Stopping => "is killed",
        StateName::Starting => "its start runs out of time",
        StateName::Waiting => "gives up waiting",
        StateName::Scheduled => "runs",
        StateName::Ready | StateName::Unhealthy => "runs out of time",
        StateName::Inactive | StateName::Disabled | StateName::Completed | StateName::Failed => {
            "is looked at again"
        }
    }
}

fn became(state: StateName) -> &'static str {
    match state {
        StateName::Inactive => "stopped",
        StateName::Disabled => "is disabled",
        StateName::Waiting => "waits",
        StateName::Scheduled => "waits for its time",
        StateName::Starting => "was started",
        StateName::Ready => "became ready",
        StateName::Unhealthy => "became unhealthy",
        StateName::Stopping => "is stopping",
        StateName::Backoff => "ended and waits for its next start",
        StateName::Completed => "completed",
        StateName::Failed => "failed",
    }
}

fn timeout(limit: Limit) -> &'static str {
    match limit {
        Limit::Start => "was not ready within its start-timeout",
        Limit::Run => "did not end within its timeout",
        Limit::Dependency => "waited too long for what it depends on",
        Limit::Grace => "did not stop within its grace period",
    }
}

fn gave_up(restarts: u32, last: Option<ExitStatus>) -> String {
    let after = match restarts {
        0 => "gave up without a restart".to_owned(),
        1 => "gave up after 1 restart".to_owned(),
        many => format!("gave up after {many} restarts"),
    };
    match last {
        Some(last) => format!("{after}: {}", exit(last)),
        None => after,
    }
}

/// Says why changes of an instance's files lead to nothing; stands behind its name.
pub fn watch_paused(name: &str, last: Option<&str>) -> String {
    let last = last.map(|path| format!(", the last one `{path}`")).unwrap_or_default();
    format!(
        "its watched files change with each start{last}: changes lead to nothing until `svc restart {name}`; leave out \
         what it writes itself with `ignore`"
    )
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Startup => "startup",
        Class::Readiness => "readiness",
        Class::Liveness => "liveness",
    }
}

fn name(plan: &Plan, id: InstanceId) -> &str {
    &plan.instance(id).name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Signal, SpawnFailure, Stage};
    use crate::engine::event::RequestId;

    #[test]
    fn causes_read_as_sentences_behind_a_name() {
        let plan = Plan::default();
        let words = |it: Cause| cause(&plan, StateName::Stopping, &it);
        let no_program = SpawnFailure { stage: Stage::Exec, errno: libc::ENOENT };
        assert_eq!(words(Cause::Exit(ExitStatus::Code(3))), "exited with code 3");
        assert_eq!(words(Cause::Exit(ExitStatus::Signal(Signal::KILL))), "killed by SIGKILL");
        assert_eq!(
            words(Cause::SpawnFailed(no_program)),
            "could not be started: executing: No such file or directory (os error 2)"
        );
        assert_eq!(words(Cause::Request(RequestId(7))), "was asked to stop");
        let start = Cause::Request(RequestId(8));
        assert_eq!(cause(&plan, StateName::Waiting, &start), "was asked to start");
        let last = Some(ExitStatus::Code(1));
        assert_eq!(words(Cause::GaveUp { restarts: 1, last }), "gave up after 1 restart: exited with code 1");
        assert_eq!(words(Cause::GaveUp { restarts: 0, last: None }), "gave up without a restart");
        assert_eq!(awaited("db", Some(Condition::Ready)), "db to be ready");
    }
}
