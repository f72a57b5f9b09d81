//! What can be seen of an instance from outside: read-only, for `ps`, `why` and the API.

use std::time::Duration;

use crate::base::{ExitStatus, Invocation, Moment};
use crate::engine::Engine;
use crate::engine::action::{Cause, StateName};
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::timetable::Due;
use crate::graph::InstanceId;
use crate::graph::plan::Relation;
use crate::model::policy::Condition;

/// An instance as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which instance.
    pub instance: InstanceId,
    /// The state it is in.
    pub state: StateName,
    /// Whether it should be up.
    pub wanted: bool,
    /// Whether an operator asked for it by name, or for everything.
    pub explicit: bool,
    /// Whether dependents may count on it now.
    pub ready: bool,
    /// When the state began.
    pub since: Moment,
    /// What led to the state.
    pub cause: Cause,
    /// The process it has, or had last.
    pub invocation: Option<Invocation>,
    /// How its last process ended.
    pub last_exit: Option<ExitStatus>,
    /// Automatic restarts since an operator last started it.
    pub restarts: u32,
    /// Failed attempts in a row.
    pub failures_in_a_row: u32,
    /// The next step that time will bring, if one is armed: restart, kill, timeout.
    pub due: Option<Moment>,
    /// When a scheduled task runs next.
    pub next_run: Option<Due>,
    /// The last runs of a task, the latest at the end.
    pub runs: Vec<Run>,
    /// Whether changes of its watched files lead to nothing any more: each start changed them.
    pub watch_paused: bool,
    /// When it last got the files it watches as they were: at its launch, or at a reload because of a change.
    pub files_as_of: Option<Moment>,
    /// What it waits for: the dependency and the condition that is not met; none for order only.
    pub waits_for: Vec<(InstanceId, Option<Condition>)>,
    /// What the last probe saw.
    pub last_probe: Option<String>,
    /// What the service said of itself last (`STATUS=`).
    pub status: Option<String>,
    /// How long it took from launch to ready, the last time.
    pub took: Option<Duration>,
}

impl Engine {
    /// Returns an instance as it is now.
    pub fn view(&self, id: InstanceId) -> View {
        let slot = self.slot(id);
        View {
            instance: id,
            state: self.name_of(id),
            wanted: slot.wanted(),
            explicit: slot.explicit,
            ready: self.is_there(id),
            since: slot.since,
            cause: slot.cause.clone(),
            invocation: slot.invocation,
            last_exit: slot.last_exit,
            restarts: slot.restarts,
            failures_in_a_row: slot.attempt,
            due: match slot.state {
                State::Scheduled => slot.next_deadline(),
                _ => slot.state.step_due(),
            },
            next_run: slot.timetable.map(|timetable| timetable.next),
            runs: slot.runs.iter().copied().collect(),
            watch_paused: slot.watching.is_paused(),
            files_as_of: slot.launched.max(slot.watching.answered),
            waits_for: self.waits_for(id),
            last_probe: slot.last_probe.clone(),
            status: slot.status.clone(),
            took: slot.took,
        }
    }

    /// Returns whether an instance is as it should be: a scheduled task also while it runs.
    fn is_there(&self, id: InstanceId) -> bool {
        let slot = self.slot(id);
        let there = match slot.state {
            State::Completed | State::Scheduled => true,
            State::Starting { .. } => self.schedule_of(id).is_some(),
            _ => slot.state.is_ready(),
        };
        there && !slot.has_to_stop()
    }

    /// Returns every instance as it is now, in the order of the plan.
    pub fn snapshot(&self) -> Vec<View> {
        self.plan().instances().map(|(id, _)| self.view(id)).collect()
    }

    /// Returns why an instance is as it is: its own cause first, then the cause of what that points
    /// at, and so on to a request, an exit, a probe or a limit.
    pub fn why(&self, id: InstanceId) -> Vec<(InstanceId, Cause)> {
        let mut chain: Vec<(InstanceId, Cause)> = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next
            && chain.iter().all(|&(seen, _)| seen != id)
        {
            let cause = self.slot(id).cause.clone();
            next = match cause {
                Cause::Neighbour { instance, .. } | Cause::Shutdown { instance } => Some(instance),
                Cause::Needed { by } => Some(by),
                Cause::Along { with } => Some(with),
                _ => None,
            };
            chain.push((id, cause));
        }
        chain
    }

    /// Returns what keeps an instance from its next step: for one that is to come up, dependencies
    /// with the conditions that are not met; for one that is to go down, dependents that go first.
    fn waits_for(&self, id: InstanceId) -> Vec<(InstanceId, Option<Condition>)> {
        let edges = &self.plan().edges;
        let slot = self.slot(id);
        if let State::Waiting { .. } = slot.state {
            let shut = self.links.dependencies(id).filter(|&edge| self.holds_back(edge));
            let shut = shut.map(|edge| match edges[edge as usize].relation {
                Relation::DependsOn { condition, .. } => (edges[edge as usize].dependency, Some(condition)),
                Relation::Order => (edges[edge as usize].dependency, None),
            });
            return shut.collect();
        }
        if slot.has_to_stop() && matches!(slot.state, State::Starting { .. } | State::Up { .. }) {
            let first = self.links.dependents(id).map(|place| self.links.dependent(place));
            let first = first.map(|edge| edges[edge as usize].dependent);
            return first.filter(|&d| self.slot(d).has_to_stop()).map(|d| (d, None)).collect();
        }
        Vec::new()
    }
}
