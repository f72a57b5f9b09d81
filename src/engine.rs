//! The supervision state machine: pure.
//!
//! It reads no clock, does no I/O and spawns nothing: time enters with an [`Event`], and what is to
//! be done leaves as [`Action`]s. It knows no process ids, no spans and no files. Its rules are
//! docs/semantics.md.
//!
//! One call of [`Engine::handle`] takes one fact to a state where nothing is left to decide:
//!
//! 1. the fact is applied (`life`, `want`);
//! 2. deadlines that have passed fire (`settle`): after the fact, because a process that is known to
//!    have ended must not be killed by a limit that ran out in the same instant;
//! 3. everything settles (`settle`): first all wants are propagated along the edges, so that every
//!    count is right, then instances move, one at a time, until none has a reason to;
//! 4. requests that came to their end are answered (`request`);
//! 5. debug builds check the invariants (`invariant`).
//!
//! Nothing recurses: wants and moves are queues. An instance that nothing happens to costs nothing.

pub mod action;
mod apply;
pub mod event;
mod invariant;
mod life;
mod links;
mod probing;
pub mod record;
mod reload;
mod request;
mod restart;
pub mod run;
mod scheduled;
mod settle;
mod slot;
mod state;
pub mod timetable;
pub mod view;
mod want;
pub mod watched;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::base::{Invocation, Moment};
use crate::engine::apply::{Applying, Trial};
use crate::engine::links::Links;
use crate::engine::reload::Reload;
use crate::engine::request::Pending;
use crate::engine::slot::Slot;
use crate::engine::state::State;
use crate::engine::timetable::WallClock;
use crate::graph::plan::Rules;
use crate::graph::{InstanceId, Plan};
use crate::model::policy::Kind;

pub use action::{Action, Cause, Scope, StateName, Transition};
pub use apply::PROOF;
pub use event::{Command, Event, NewPlan, RequestId};
pub use record::{Ending, Haste, Record, Stage};
pub use run::{Run, RunEnd};
pub use timetable::{Due, Timetable};
pub use view::View;
pub use watched::{LOOP, OWN_DOING, Watching};

/// The supervision of one plan.
#[derive(Clone, Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    links: Links,
    slots: Vec<Slot>,
    /// Which instance a life belongs to; lives that are over are not here, so what is said of them is void.
    lives: BTreeMap<Invocation, InstanceId>,
    /// Every deadline of every state, kept in step by `set_state` and `rearm`.
    deadlines: BTreeSet<(Moment, InstanceId)>,
    requests: BTreeMap<RequestId, Pending>,
    /// A plan that waits for what is parked.
    applying: Option<Applying>,
    /// A plan that may be taken back.
    trial: Option<Trial>,
    /// Reloads that have not ended.
    reloads: Vec<Reload>,
    ending: Option<Ending>,
    ended: bool,
    /// What the wall clock shows, for the schedules.
    wall: WallClock,
    next_invocation: Invocation,
    random: fastrand::Rng,
    /// Instances whose want is to be propagated.
    released: Vec<InstanceId>,
    /// Instances to look at again.
    restless: VecDeque<InstanceId>,
    /// Instances something happened to in this call.
    touched: Vec<InstanceId>,
    /// Instances whose record changed since it was last asked for.
    changed: Vec<InstanceId>,
    actions: Vec<Action>,
}

impl Engine {
    /// Makes an engine for a plan in which nothing runs yet. `seed` decides the jitter of delays.
    pub fn new(plan: Arc<Plan>, seed: u64) -> Self {
        Self {
            links: Links::new(&plan),
            slots: vec![Slot::default(); plan.instances.len()],
            lives: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            requests: BTreeMap::new(),
            applying: None,
            trial: None,
            reloads: Vec::new(),
            ending: None,
            ended: false,
            wall: WallClock::default(),
            next_invocation: Invocation(1),
            random: fastrand::Rng::with_seed(seed),
            released: Vec::new(),
            restless: VecDeque::new(),
            touched: Vec::new(),
            changed: Vec::new(),
            actions: Vec::new(),
            plan,
        }
    }

    /// Takes one fact and returns everything that is to be done about it, in order.
    ///
    /// Being called early or late is harmless: late deadlines fire now, and a [`Event::Tick`] before
    /// any deadline does nothing. What is said about a life that is over, or that never was, is void.
    #[must_use = "an action that is not carried out is a lost process"]
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        self.apply(now, event);
        self.settle(now);
        self.answer_requests();
        self.end_when_all_is_down();
        if cfg!(debug_assertions)
            && let Err(broken) = self.check_invariants()
        {
            panic!("an invariant of the engine does not hold: {broken}");
        }
        std::mem::take(&mut self.actions)
    }

    /// Returns when to call [`Engine::handle`] with [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Moment> {
        let first = self.deadlines.first().map(|&(at, _)| at);
        [first, self.trial_due(), self.reload_due()].into_iter().flatten().min()
    }

    /// Returns the plan that is supervised.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    fn apply(&mut self, now: Moment, event: Event) {
        match event {
            Event::Command { request, command } => self.command(now, request, command),
            Event::Spawned { invocation } => self.spawned(now, invocation),
            Event::SpawnFailed { invocation, failure } => self.spawn_failed(now, invocation, failure),
            Event::Exited { invocation, exit, stragglers } => self.exited(now, invocation, exit, stragglers),
            Event::Emptied { invocation } => self.emptied(now, invocation),
            Event::Ready { invocation } => self.announced_ready(now, invocation),
            Event::ExtendTimeout { invocation, by } => self.extend_timeout(now, invocation, by),
            Event::Stopping { invocation } => self.announced_stopping(now, invocation),
            Event::Status { invocation, text } => self.status(invocation, text),
            Event::ProbeFinished { invocation, class, outcome } => {
                self.probe_finished(now, invocation, class, outcome);
            }
            Event::StopCommandFinished { invocation } => self.stop_command_finished(invocation),
            Event::ReloadFinished { invocation, failure } => {
                self.reload_finished(invocation, failure.is_none());
            }
            Event::FilesChanged { instance, path } => self.files_changed(now, instance, &path),
            Event::Clock { shows } => self.clock_was_set(now, shows),
            Event::Tick => {}
        }
    }

    /// Moves an instance to another state: the one door through which every transition goes.
    fn set_state(&mut self, id: InstanceId, state: State, cause: Cause, now: Moment) {
        let (task, disabled) = (self.is_task(id), self.plan.service_of(id).is_off());
        let slot = &mut self.slots[id.0 as usize];
        let (from, to) = (slot.state.name(task, disabled), state.name(task, disabled));
        let (was, is) = (slot.state.invocation(), state.invocation());
        slot.state = state;
        slot.blocker = None;
        if from != to || was != is {
            slot.since = now;
            slot.cause = cause.clone();
        }
        if from != to {
            self.actions.push(Action::Notice(Transition { instance: id, from, to, cause, at: now }));
        }
        if was != is {
            if let Some(old) = was {
                self.lives.remove(&old);
            }
            if let Some(new) = is {
                self.lives.insert(new, id);
                self.slots[id.0 as usize].invocation = Some(new);
            }
        }
        self.rearm(id);
        self.touch(id);
        self.wake_neighbours(id);
    }

    /// Puts the deadline of a state that changed inside into the order of all deadlines.
    fn rearm(&mut self, id: InstanceId) {
        let slot = &mut self.slots[id.0 as usize];
        let deadline = slot.next_deadline();
        if slot.deadline != deadline {
            if let Some(old) = slot.deadline {
                self.deadlines.remove(&(old, id));
            }
            if let Some(new) = deadline {
                self.deadlines.insert((new, id));
            }
            slot.deadline = deadline;
        }
    }

    /// Remembers that an instance has to be looked at, answered for and recorded.
    fn touch(&mut self, id: InstanceId) {
        let slot = &mut self.slots[id.0 as usize];
        if !std::mem::replace(&mut slot.restless, true) {
            self.restless.push_back(id);
        }
        if !std::mem::replace(&mut slot.touched, true) {
            self.touched.push(id);
        }
        self.mark_changed(id);
    }

    /// Remembers that an instance's record has to be written.
    fn mark_changed(&mut self, id: InstanceId) {
        if !std::mem::replace(&mut self.slots[id.0 as usize].changed, true) {
            self.changed.push(id);
        }
    }

    fn slot(&self, id: InstanceId) -> &Slot {
        &self.slots[id.0 as usize]
    }

    fn slot_mut(&mut self, id: InstanceId) -> &mut Slot {
        &mut self.slots[id.0 as usize]
    }

    fn rules(&self, id: InstanceId) -> &Rules {
        self.plan.rules(id)
    }

    fn is_task(&self, id: InstanceId) -> bool {
        self.plan.service_of(id).kind == Kind::Task
    }

    /// Returns the state an instance is shown in.
    fn name_of(&self, id: InstanceId) -> StateName {
        self.slot(id).state.name(self.is_task(id), self.plan.service_of(id).is_off())
    }

    /// Returns a cause that points at what became of another instance.
    fn because_of(&self, id: InstanceId) -> Cause {
        Cause::Neighbour { instance: id, state: self.name_of(id) }
    }
}
