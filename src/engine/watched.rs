//! Watched files (rule 19): what a change leads to, and how a service that changes its own is found.
//!
//! The files are somebody else's to look at; here a change is an event with words for people. A service whose start
//! changes what it watches would be restarted for ever: changes that follow right behind what the one before led to
//! are counted, and the fifth pauses the watching until an operator starts the service again.

use std::sync::Arc;
use std::time::Duration;

use crate::base::Moment;
use crate::engine::Engine;
use crate::engine::action::{Action, Cause};
use crate::engine::state::State;
use crate::graph::InstanceId;
use crate::graph::plan::{Reaction, Watch};

/// A change that is seen this soon after what the one before led to counts as its doing.
pub const OWN_DOING: Duration = Duration::from_secs(2);

/// How many of these in a row are a loop.
pub const LOOP: u32 = 5;

/// What the changes of an instance's watched files have led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watching {
    /// Whether its next launch is because of a change.
    pub restarts: bool,
    /// When a change last led to a launch or a reload, unless something else led to one since.
    pub answered: Option<Moment>,
    /// How many changes in a row came right behind what the one before had led to.
    pub in_a_row: u32,
}

impl Watching {
    /// Returns whether changes lead to nothing until an operator starts it again.
    pub fn is_paused(&self) -> bool {
        self.in_a_row >= LOOP
    }

    /// Takes note of a launch.
    pub(crate) fn launched(&mut self, now: Moment) {
        self.answered = std::mem::take(&mut self.restarts).then_some(now);
    }

    /// Takes note of a change; it was quiet for `debounce` before this was told.
    fn changed(&mut self, now: Moment, debounce: Duration) {
        let own = self.answered.is_some_and(|at| now.since(at) <= OWN_DOING + debounce);
        self.in_a_row = if own { self.in_a_row + 1 } else { 0 };
    }
}

impl Engine {
    /// Files that an instance watches have changed: the first of them was `path`.
    pub(crate) fn files_changed(&mut self, now: Moment, id: InstanceId, path: &Arc<str>) {
        let Some(&Watch { debounce, reaction, cascade, .. }) = self.watch_of(id) else { return };
        let slot = self.slot_mut(id);
        // What is on its way to a launch gets the files as they are then.
        let begins_anyway = matches!(slot.state, State::Waiting { .. } | State::Inactive)
            || slot.parked
            || slot.bounce.is_some() && matches!(slot.state, State::Stopping { .. });
        // What gave up is wanted by nobody any more, but nobody asked it to stop either.
        let wanted = slot.wanted() || slot.state == State::Failed;
        let left_alone = !wanted || slot.doomed.is_some() || slot.watching.is_paused();
        if self.ending.is_some() || begins_anyway || left_alone {
            return;
        }
        let slot = self.slot_mut(id);
        slot.watching.changed(now, debounce);
        self.mark_changed(id);
        if self.slot(id).watching.is_paused() {
            self.actions.push(Action::WatchPaused { instance: id, path: Arc::clone(path) });
            return;
        }
        match self.slot(id).state {
            State::Up { invocation, .. } if reaction == Reaction::Reload && !self.slot(id).has_to_stop() => {
                self.slot_mut(id).watching.answered = Some(now);
                self.actions.push(Action::Reload { instance: id, invocation });
            }
            _ => self.start_changed(now, id, cascade, &Cause::Changed { path: Arc::clone(path) }),
        }
    }

    /// Starts an instance anew because of a change.
    fn start_changed(&mut self, now: Moment, id: InstanceId, cascade: bool, cause: &Cause) {
        // What is down may have let go of what it depends on.
        let alone = !cascade && self.slot(id).state.is_live();
        self.restart(now, &[id], alone, cause);
        self.slot_mut(id).watching.restarts = true;
    }

    fn watch_of(&self, id: InstanceId) -> Option<&Watch> {
        self.plan().instance(id).launch.extras.as_ref()?.watch.as_ref()
    }
}
