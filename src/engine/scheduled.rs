//! Tasks that run by themselves: between two runs they wait for their time.
//!
//! Their timetable is one more deadline, in whatever state they are, so that a time that comes while a
//! run goes on is seen, and left out or remembered as `overlap` says. A run that ends, well or not, leads
//! back to [`State::Scheduled`].

use jiff::Zoned;

use crate::base::{ExitStatus, Moment};
use crate::engine::Engine;
use crate::engine::action::{Cause, Limit, StateName};
use crate::engine::links::{self, EdgeId};
use crate::engine::restart::End;
use crate::engine::run::{HISTORY, Run, RunEnd};
use crate::engine::state::{Reason, State};
use crate::engine::timetable::{Timetable, WallClock};
use crate::graph::change::{Change, Fate};
use crate::graph::plan::{Overlap, Schedule};
use crate::graph::{InstanceId, Plan};

impl Engine {
    /// Returns when a task runs by itself.
    pub(crate) fn schedule_of(&self, id: InstanceId) -> Option<&Schedule> {
        self.rules(id).schedule.as_deref()
    }

    /// The wall clock was set, or is told for the first time.
    pub(crate) fn clock_was_set(&mut self, now: Moment, shows: Zoned) {
        self.wall = WallClock::new(now, shows);
        for id in (0..self.slots.len() as u32).map(InstanceId) {
            let Some(schedule) = self.plan.rules(id).schedule.as_deref() else { continue };
            let slot = &mut self.slots[id.0 as usize];
            slot.timetable = match slot.timetable {
                Some(timetable) => timetable.follow(schedule, &self.wall, now),
                None if slot.wanted() => Timetable::begin(schedule, &self.wall, now),
                None => None,
            };
            self.rearm(id);
            self.mark_changed(id);
        }
    }

    /// Gives a scheduled task that is wanted its timetable.
    pub(crate) fn enroll(&mut self, now: Moment, id: InstanceId) {
        if let (Some(schedule), None) = (self.schedule_of(id), self.slot(id).timetable) {
            self.slot_mut(id).timetable = Timetable::begin(schedule, &self.wall, now);
            self.rearm(id);
        }
    }

    /// Takes the timetable of what is not wanted any more.
    pub(crate) fn strike_off(&mut self, id: InstanceId) {
        let slot = self.slot_mut(id);
        (slot.timetable, slot.queued) = (None, false);
        self.rearm(id);
    }

    /// Returns whether a scheduled task that begins waits for its time first.
    pub(crate) fn rests_first(&self, id: InstanceId, cause: &Cause) -> bool {
        let slot = self.slot(id);
        let anew = matches!(slot.state, State::Inactive | State::Failed);
        let needed = matches!(cause, Cause::Needed { .. });
        self.schedule_of(id).is_some_and(|schedule| anew && !needed && !schedule.run_on_start)
    }

    /// Runs a scheduled task that waits for its time.
    pub(crate) fn run_at_once(&mut self, now: Moment, id: InstanceId, cause: &Cause) {
        if self.slot(id).state == State::Scheduled {
            self.slot_mut(id).attempt = 0;
            self.wait(now, id, cause.clone());
        }
    }

    /// Runs a scheduled task whose first success is waited for at this edge.
    pub(crate) fn run_for(&mut self, now: Moment, id: InstanceId, edge: EdgeId) {
        let relation = self.plan.edges[edge as usize];
        let waited_for = relation.dependent == id && links::pulls(&relation);
        if waited_for && !self.slot(relation.dependency).done {
            self.run_at_once(now, relation.dependency, &Cause::Needed { by: id });
        }
    }

    /// Returns whether the next time of an instance has come.
    pub(crate) fn is_its_time(&self, now: Moment, id: InstanceId) -> bool {
        self.slot(id).timetable.is_some_and(|timetable| timetable.next.at <= now)
    }

    /// The time of a scheduled task has come.
    pub(crate) fn its_time_has_come(&mut self, now: Moment, id: InstanceId) {
        let schedule = self.plan.rules(id).schedule.as_deref();
        let Some(schedule) = schedule.filter(|_| self.slot(id).wanted()) else { return self.strike_off(id) };
        let overlap = schedule.overlap;
        let slot = &mut self.slots[id.0 as usize];
        slot.timetable = slot.timetable.and_then(|past| past.advance(schedule, &self.wall, now));
        let live = slot.state.is_live();
        match (&slot.state, overlap) {
            (State::Scheduled, _) => self.run_at_once(now, id, &Cause::Due),
            (State::Backoff { .. }, Overlap::Replace) => self.wait(now, id, Cause::Due),
            (_, Overlap::Replace) if live => slot.bounce = Some(slot.bounce.take().unwrap_or(Cause::Due)),
            (State::Backoff { .. }, Overlap::Queue) => slot.queued = true,
            (_, Overlap::Queue) if live => slot.queued = true,
            (_, Overlap::Skip | Overlap::Queue | Overlap::Replace) => {}
        }
        self.rearm(id);
        self.touch(id);
    }

    /// Keeps what became of a run of a task.
    pub(crate) fn note_run(&mut self, now: Moment, id: InstanceId, end: &End) {
        if !self.is_task(id) {
            return;
        }
        let codes = &self.rules(id).success_codes;
        let result = match (&end.reason, end.exit) {
            (Reason::Asked, _) => RunEnd::Stopped,
            (Reason::Fault { cause: Cause::Timeout(Limit::Run), .. }, _) => RunEnd::TimedOut,
            (_, None) => RunEnd::NotStarted,
            (Reason::Ended, Some(ExitStatus::Code(code))) if codes.contains(&code) => RunEnd::Succeeded,
            (_, Some(exit)) => RunEnd::Failed(exit),
        };
        let slot = self.slot_mut(id);
        let at = slot.launched.unwrap_or(now);
        slot.runs.push_back(Run { at, took: now.since(at), end: result });
        if slot.runs.len() > HISTORY {
            slot.runs.pop_front();
        }
        slot.done |= result == RunEnd::Succeeded;
    }

    /// A run is over for good: back to waiting for the next time, or at once to a run that was put off.
    pub(crate) fn rest(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        self.set_state(id, State::Scheduled, cause, now);
        if std::mem::take(&mut self.slot_mut(id).queued) {
            self.run_at_once(now, id, &Cause::Due);
        }
    }

    /// A run failed for good. The schedule goes on; what waits for the first success fails.
    pub(crate) fn fail_run(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        self.rest(now, id, cause);
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let cause = Cause::Neighbour { instance: id, state: StateName::Failed };
            let edges: Vec<_> = self.links.dependents(id).map(|place| self.links.dependent(place)).collect();
            for edge in edges {
                let relation = self.plan.edges[edge as usize];
                let dependent = relation.dependent;
                let waits = matches!(self.slot(dependent).state, State::Waiting { .. });
                if !waits || !self.holds_back(edge) {
                    continue;
                }
                if !links::requires(&relation) {
                    self.unhold(edge, cause.clone());
                    self.touch(dependent);
                } else if self.schedule_of(dependent).is_some() {
                    self.rest(now, dependent, cause.clone());
                    todo.push(dependent);
                } else {
                    self.fail(now, dependent, cause.clone());
                }
            }
        }
    }

    /// Lets an instance follow a schedule that changed with the plan.
    pub(crate) fn follow_schedule(
        &mut self,
        now: Moment,
        id: InstanceId,
        old: &Plan,
        change: &Change,
        cause: &Cause,
    ) {
        let Fate::Kept { was, .. } = change.fates[id.0 as usize] else { return };
        if old.rules(was).schedule == self.rules(id).schedule {
            return;
        }
        self.strike_off(id);
        let scheduled = self.schedule_of(id).is_some();
        if !self.slot(id).wanted() {
            if self.slot(id).state == State::Scheduled && !scheduled {
                self.set_state(id, State::Inactive, cause.clone(), now);
            }
            return;
        }
        self.enroll(now, id);
        match self.slot(id).state {
            State::Completed if scheduled => self.set_state(id, State::Scheduled, cause.clone(), now),
            State::Scheduled if !scheduled && self.slot(id).done => {
                self.set_state(id, State::Completed, cause.clone(), now);
            }
            State::Scheduled if !scheduled => self.wait(now, id, cause.clone()),
            _ => {}
        }
    }
}
