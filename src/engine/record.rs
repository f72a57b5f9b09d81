//! What has to be kept so that an engine that was killed can be made anew.
//!
//! A [`Record`] is plain data for a journal. Deadlines are not in it: a state that is resumed gets a
//! whole new one. Requests are not in it either: wants are, and whoever asked asks again.

use std::sync::Arc;

use crate::base::{ExitStatus, Invocation, Moment};
use crate::engine::Engine;
use crate::engine::action::{Action, Cause};
use crate::engine::links;
use crate::engine::run::Run;
use crate::engine::state::{Reason, State};
use crate::engine::timetable::Timetable;
use crate::engine::watched::Watching;
use crate::graph::{InstanceId, Plan};

/// What is kept about one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whether an operator asked for it.
    pub explicit: bool,
    /// Whether it should be up.
    pub wanted: bool,
    /// Where it is.
    pub stage: Stage,
    /// The life it has, or had last.
    pub invocation: Option<Invocation>,
    /// Whether it has to stop once and come back.
    pub bounce: bool,
    /// Automatic restarts in a row.
    pub attempt: u32,
    /// When the automatic restarts were decided that the policy's window still counts.
    pub recent: Vec<Moment>,
    /// Automatic restarts since an operator last started it.
    pub restarts: u32,
    /// When a scheduled task runs next.
    pub timetable: Option<Timetable>,
    /// Whether another run follows the one that goes on.
    pub queued: bool,
    /// Whether a run succeeded since it was last wanted anew.
    pub done: bool,
    /// The last runs of a task.
    pub runs: Vec<Run>,
    /// What changes of its watched files have led to.
    pub watching: Watching,
    /// When its last life was launched.
    pub launched: Option<Moment>,
    /// When its state began.
    pub since: Moment,
    /// How its last process ended.
    pub last_exit: Option<ExitStatus>,
}

/// Where an instance is, as far as it has to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Down.
    Inactive,
    /// Waits for its dependencies.
    Waiting,
    /// Waits for the time of its schedule.
    Scheduled,
    /// Launched, whether that was answered or not; not ready yet.
    Starting,
    /// Up.
    Up {
        /// Since when it is ready; `None` while its readiness fails.
        ready_since: Option<Moment>,
        /// Whether its liveness holds.
        alive: bool,
    },
    /// Being stopped.
    Stopping {
        /// Whether for a failure of its own, which its policy answers.
        fault: bool,
        /// How the main process ended, once it has and others are left.
        exit: Option<ExitStatus>,
        /// Whether the life had been ready.
        was_ready: bool,
    },
    /// Waits for its next automatic restart.
    Backoff {
        /// When.
        until: Moment,
    },
    /// Completed.
    Completed,
    /// Gave up.
    Failed,
}

/// A shutdown that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How fast.
    pub haste: Haste,
    /// The exit code that a service's end asked for.
    pub code: Option<u8>,
}

/// How fast everything goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// In order, each with its grace period.
    Orderly,
    /// In order, without grace.
    Hurried,
    /// All at once, without grace.
    Killing,
}

impl Engine {
    /// Returns what has to be kept about an instance.
    pub fn record(&self, id: InstanceId) -> Record {
        let slot = self.slot(id);
        let stage = match &slot.state {
            State::Inactive => Stage::Inactive,
            State::Waiting { .. } => Stage::Waiting,
            State::Scheduled => Stage::Scheduled,
            State::Launching { .. } | State::Starting { .. } => Stage::Starting,
            State::Up { ready_since, alive, .. } => Stage::Up { ready_since: *ready_since, alive: *alive },
            State::Stopping { reason, exit, was_ready, .. } => {
                let fault = matches!(reason, Reason::Fault { .. });
                Stage::Stopping { fault, exit: *exit, was_ready: *was_ready }
            }
            State::Backoff { until } => Stage::Backoff { until: *until },
            State::Completed => Stage::Completed,
            State::Failed => Stage::Failed,
        };
        Record {
            explicit: slot.explicit,
            wanted: slot.wanted(),
            stage,
            invocation: slot.invocation,
            bounce: slot.bounce.is_some(),
            attempt: slot.attempt,
            recent: slot.recent.iter().copied().collect(),
            restarts: slot.restarts,
            timetable: slot.timetable,
            queued: slot.queued,
            done: slot.done,
            runs: slot.runs.iter().copied().collect(),
            watching: slot.watching,
            launched: slot.launched,
            since: slot.since,
            last_exit: slot.last_exit,
        }
    }

    /// Returns the instances whose record may have changed since this was last asked.
    pub fn take_changed(&mut self) -> Vec<InstanceId> {
        let changed = std::mem::take(&mut self.changed);
        for &id in &changed {
            self.slot_mut(id).changed = false;
        }
        changed
    }

    /// Returns the shutdown that is under way.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Returns the number the next life will have.
    pub fn next_invocation(&self) -> Invocation {
        self.next_invocation
    }

    /// Makes an engine that goes on where another was killed.
    ///
    /// `records` holds what that one kept, `known` every life whose process runs or whose end was
    /// not told yet: those that ended meanwhile are told as ordinary [`crate::engine::Event::Exited`]
    /// afterwards. What a record says was running and is not known is taken for ended, nobody knows
    /// how. No living process is signalled for having been taken over. Whatever is to be done comes
    /// out of the next [`Engine::handle`], with [`crate::engine::Event::Tick`] if nothing else.
    ///
    /// Every record and every life is looked at a fixed number of times, however many there are.
    pub fn restore<'a>(
        plan: Arc<Plan>,
        seed: u64,
        now: Moment,
        next_invocation: Invocation,
        records: impl IntoIterator<Item = &'a (InstanceId, Record)> + Clone,
        known: impl IntoIterator<Item = &'a (InstanceId, Invocation)> + Clone,
        ending: Option<Ending>,
    ) -> Self {
        let mut engine = Self::new(plan, seed);
        engine.next_invocation = next_invocation;
        engine.ending = ending;
        let mut newest: Vec<Option<Invocation>> = vec![None; engine.slots.len()];
        for &(id, life) in known.clone() {
            newest[id.0 as usize] = newest[id.0 as usize].max(Some(life));
            engine.reserve(life);
        }
        let mut recorded = vec![false; engine.slots.len()];
        let mut wanted = vec![false; engine.slots.len()];
        for (id, record) in records.clone() {
            recorded[id.0 as usize] = true;
            wanted[id.0 as usize] = record.wanted;
            record.invocation.into_iter().for_each(|life| engine.reserve(life));
            let slot = engine.slot_mut(*id);
            slot.explicit = record.explicit;
            slot.want_cause = Cause::Restored;
            slot.attempt = record.attempt;
            slot.recent = record.recent.iter().copied().collect();
            slot.restarts = record.restarts;
            slot.last_exit = record.last_exit;
            slot.timetable = record.timetable;
            slot.queued = record.queued;
            slot.done = record.done;
            slot.runs = record.runs.iter().copied().collect();
            slot.watching = record.watching;
            slot.launched = record.launched;
            slot.invocation = record.invocation;
        }
        engine.restore_holds(&wanted);
        for (id, record) in records {
            engine.resume(now, *id, record, newest[id.0 as usize]);
        }
        for &(id, life) in known {
            if !recorded[id.0 as usize] {
                engine.take_over(now, id, life);
            }
        }
        for id in (0..engine.slots.len() as u32).map(InstanceId) {
            engine.released.push(id);
            engine.touch(id);
        }
        let lives = &engine.lives;
        engine.actions.retain(|action| match action {
            Action::Signal { invocation, .. } | Action::StopCommand { invocation, .. } => {
                lives.contains_key(invocation)
            }
            _ => false,
        });
        engine
    }

    /// Never gives out the number of a life that was there.
    fn reserve(&mut self, life: Invocation) {
        self.next_invocation = self.next_invocation.max(Invocation(life.0 + 1));
    }

    /// Puts in force what was: the edges between instances that were both wanted.
    fn restore_holds(&mut self, wanted: &[bool]) {
        for edge in 0..self.plan.edges.len() {
            let relation = &self.plan.edges[edge];
            let both = wanted[relation.dependent.0 as usize] && wanted[relation.dependency.0 as usize];
            if links::pulls(relation) && both {
                self.links.held[edge] = true;
                self.slots[relation.dependency.0 as usize].holders += 1;
            }
        }
    }

    /// Resumes one instance; `life` is the process the machine knows of.
    fn resume(&mut self, now: Moment, id: InstanceId, record: &Record, life: Option<Invocation>) {
        if record.bounce {
            self.slot_mut(id).bounce = Some(Cause::Restored);
        }
        let had_process = matches!(record.stage, Stage::Starting | Stage::Up { .. } | Stage::Stopping { .. });
        let Some(invocation) = life else {
            if had_process {
                self.resume_without_process(now, id, record);
            } else {
                let state = self.resting(id, record, now);
                self.set_state(id, state, Cause::Restored, now);
                self.slot_mut(id).since = record.since;
            }
            return;
        };
        if record.invocation == Some(invocation) {
            self.revive(now, id, record, invocation);
            self.slot_mut(id).since = record.since;
        } else {
            self.take_over(now, id, invocation);
        }
    }

    /// Makes an instance what it was when its record was written; a stop begins anew, because its
    /// signal may never have been sent.
    fn revive(&mut self, now: Moment, id: InstanceId, record: &Record, invocation: Invocation) {
        self.take_over(now, id, invocation);
        match record.stage {
            Stage::Up { ready_since, alive } => self.resume_up(now, id, ready_since, alive),
            Stage::Stopping { fault, exit, was_ready } => {
                if was_ready {
                    self.resume_up(now, id, None, true);
                }
                if fault {
                    self.begin_stop(now, id, Reason::Fault { cause: Cause::Restored, restart: false });
                }
                if let Some(exit) = exit {
                    self.exited(now, invocation, exit, true);
                }
            }
            _ => {}
        }
    }

    /// Takes a process over that the machine knows of: it starts, with a whole start timeout.
    fn take_over(&mut self, now: Moment, id: InstanceId, invocation: Invocation) {
        self.set_state(id, State::Launching { invocation, at: now }, Cause::Restored, now);
        self.begin_life(now, id);
    }

    /// Makes a process that was taken over what it was: up.
    fn resume_up(&mut self, now: Moment, id: InstanceId, since: Option<Moment>, is_alive: bool) {
        let took = self.slot(id).took;
        self.become_ready(now, id, Cause::Restored);
        let mut state = self.slot(id).state.clone();
        if let State::Up { ready_since, alive, .. } = &mut state {
            (*ready_since, *alive) = (since, is_alive);
        }
        self.set_state(id, state, Cause::Restored, now);
        self.slot_mut(id).took = took;
    }

    /// Resumes an instance whose process is not there any more, nobody knows how it ended.
    fn resume_without_process(&mut self, now: Moment, id: InstanceId, record: &Record) {
        let Some(invocation) = record.invocation else { return };
        if record.stage == Stage::Starting {
            // The launch may never have been made; there is nothing left that would have to stop first.
            self.slot_mut(id).bounce = None;
            self.wait(now, id, Cause::Restored);
            return;
        }
        self.revive(now, id, record, invocation);
        let ended = match record.stage {
            Stage::Stopping { exit: Some(exit), .. } => exit,
            _ => ExitStatus::Unknown,
        };
        self.exited(now, invocation, ended, false);
    }

    /// Returns the state of an instance that had no process.
    fn resting(&self, id: InstanceId, record: &Record, now: Moment) -> State {
        match record.stage {
            Stage::Waiting => State::Waiting { since: now, expires: self.next_expiry(id, now, now) },
            Stage::Backoff { until } => State::Backoff { until },
            Stage::Scheduled => State::Scheduled,
            Stage::Completed => State::Completed,
            Stage::Failed => State::Failed,
            Stage::Inactive | Stage::Starting | Stage::Up { .. } | Stage::Stopping { .. } => State::Inactive,
        }
    }
}
