//! Facts about the life of a process: it began, announced something, answered a probe, ended.
//!
//! Every fact carries the life it is about; what is said of a life that is over is void.

use std::time::Duration;

use crate::base::{ExitStatus, Invocation, Moment, SpawnFailure};
use crate::engine::Engine;
use crate::engine::action::{Action, Cause, Scope};
use crate::engine::probing::{Probes, Verdict};
use crate::engine::restart::End;
use crate::engine::state::{Reason, State, Step};
use crate::graph::InstanceId;
use crate::graph::plan::{LivenessFailure, Readiness};
use crate::probe::{Class, Outcome, Schedule};

impl Engine {
    pub(crate) fn spawned(&mut self, now: Moment, invocation: Invocation) {
        if let Some(&id) = self.lives.get(&invocation) {
            self.begin_life(now, id);
        }
    }

    /// A launch succeeded: the limit of the start and the probes begin.
    pub(crate) fn begin_life(&mut self, now: Moment, id: InstanceId) {
        let State::Launching { invocation, at } = self.slot(id).state else { return };
        let task = self.is_task(id);
        let rules = self.rules(id);
        let limit = if task { rules.timeout } else { Some(rules.start_timeout) };
        let started = !task && rules.readiness == Readiness::Started;
        let mut probes = Probes::default();
        if let (false, Readiness::Probed(schedule)) = (task, rules.readiness) {
            probes.begin(Class::Readiness, &schedule, now);
        }
        if let Some(schedule) = &rules.startup {
            probes.begin(Class::Startup, schedule, now);
        }
        let limit = limit.map(|limit| at + limit);
        let state = State::Starting { invocation, launched: at, limit, probes };
        self.set_state(id, state, Cause::Spawned, now);
        if started {
            self.become_ready(now, id, Cause::Spawned);
        }
    }

    /// The instance is ready for the first time in this life.
    pub(crate) fn become_ready(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        let rules = self.rules(id);
        let (startup, liveness, readiness) = (rules.startup, rules.liveness, rules.readiness);
        let slot = self.slot_mut(id);
        let State::Starting { invocation, launched, probes, .. } = &mut slot.state else { return };
        let mut probes = std::mem::take(probes);
        slot.took = Some(now.since(*launched));
        if let Readiness::Probed(schedule) = readiness {
            probes.calm(Class::Readiness, &schedule, false, now);
        }
        if let (true, Some(schedule)) = (startup.is_none() || !probes.asks(Class::Startup), liveness) {
            probes.begin(Class::Liveness, &schedule, now);
        }
        let state = State::Up { invocation: *invocation, ready_since: Some(now), alive: true, probes };
        self.set_state(id, state, cause, now);
    }

    pub(crate) fn announced_ready(&mut self, now: Moment, invocation: Invocation) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        if self.is_task(id) || self.rules(id).readiness != Readiness::Announced {
            return;
        }
        self.begin_life(now, id);
        match &self.slot(id).state {
            State::Starting { .. } => self.become_ready(now, id, Cause::Announced),
            State::Up { ready_since: None, .. } => self.mark_ready(now, id, Some(now), Cause::Announced),
            _ => {}
        }
    }

    /// Marks an instance that is up as ready or not.
    fn mark_ready(&mut self, now: Moment, id: InstanceId, since: Option<Moment>, cause: Cause) {
        if let State::Up { ready_since, .. } = &self.slot(id).state
            && ready_since.is_some() != since.is_some()
        {
            let mut state = self.slot(id).state.clone();
            if let State::Up { ready_since, .. } = &mut state {
                *ready_since = since;
            }
            self.set_state(id, state, cause, now);
        }
    }

    pub(crate) fn announced_stopping(&mut self, now: Moment, invocation: Invocation) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        if let State::Up { probes, .. } = &mut self.slot_mut(id).state {
            probes.end_all();
            self.rearm(id);
            self.mark_ready(now, id, None, Cause::Announced);
        }
    }

    pub(crate) fn extend_timeout(&mut self, now: Moment, invocation: Invocation, by: Duration) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        match &mut self.slot_mut(id).state {
            State::Starting { limit: Some(limit), .. } => *limit = (*limit).max(now + by),
            State::Stopping { step: Step::Command { kill_at } | Step::Signalled { kill_at }, .. } => {
                *kill_at = (*kill_at).max(now + by);
            }
            _ => return,
        }
        self.rearm(id);
    }

    pub(crate) fn status(&mut self, invocation: Invocation, text: String) {
        if let Some(&id) = self.lives.get(&invocation) {
            self.slot_mut(id).status = Some(text);
        }
    }

    pub(crate) fn probe_finished(
        &mut self,
        now: Moment,
        invocation: Invocation,
        class: Class,
        outcome: Outcome,
    ) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        let Some(schedule) = self.schedule(id, class) else { return self.void_answer(id, class) };
        let slot = self.slot_mut(id);
        let urgent = match (&slot.state, class) {
            (State::Up { ready_since, .. }, Class::Readiness) => ready_since.is_none(),
            (_, Class::Readiness | Class::Startup) => true,
            (_, Class::Liveness) => false,
        };
        let (State::Starting { probes, .. } | State::Up { probes, .. }) = &mut slot.state else { return };
        let verdict = probes.answer(class, outcome.passed, &schedule, urgent, now);
        self.rearm(id);
        let Some(verdict) = verdict else { return };
        self.slot_mut(id).last_probe = Some(outcome.detail.clone());
        let cause = Cause::Probe { class, detail: outcome.detail };
        match (class, verdict) {
            (_, Verdict::Undecided) => {}
            (Class::Readiness, verdict) => self.readiness_decided(now, id, verdict, &schedule, cause),
            (Class::Startup, Verdict::Passed) => self.startup_passed(now, id),
            (Class::Startup, Verdict::Failed) => {
                self.begin_stop(now, id, Reason::Fault { cause, restart: false });
            }
            (Class::Liveness, Verdict::Passed) => self.mark_alive(now, id, true, cause),
            (Class::Liveness, Verdict::Failed) => self.liveness_failed(now, id, cause),
        }
    }

    /// Takes note of the answer of a probe that the plan does not have any more.
    fn void_answer(&mut self, id: InstanceId, class: Class) {
        if let State::Starting { probes, .. } | State::Up { probes, .. } = &mut self.slot_mut(id).state {
            probes.void(class);
            self.rearm(id);
        }
    }

    fn schedule(&self, id: InstanceId, class: Class) -> Option<Schedule> {
        let rules = self.rules(id);
        match class {
            Class::Startup => rules.startup,
            Class::Readiness => match rules.readiness {
                Readiness::Probed(schedule) => Some(schedule),
                Readiness::Started | Readiness::Announced => None,
            },
            Class::Liveness => rules.liveness,
        }
    }

    fn readiness_decided(
        &mut self,
        now: Moment,
        id: InstanceId,
        verdict: Verdict,
        schedule: &Schedule,
        cause: Cause,
    ) {
        let passed = verdict == Verdict::Passed;
        match &mut self.slot_mut(id).state {
            State::Starting { .. } if passed => self.become_ready(now, id, cause),
            State::Up { ready_since, probes, .. } if ready_since.is_some() != passed => {
                probes.calm(Class::Readiness, schedule, !passed, now);
                self.mark_ready(now, id, passed.then_some(now), cause);
            }
            _ => {}
        }
    }

    fn startup_passed(&mut self, now: Moment, id: InstanceId) {
        let liveness = self.rules(id).liveness;
        match &mut self.slot_mut(id).state {
            State::Starting { probes, .. } => probes.end(Class::Startup),
            State::Up { probes, .. } => {
                probes.end(Class::Startup);
                if let Some(schedule) = &liveness {
                    probes.begin(Class::Liveness, schedule, now);
                }
            }
            _ => {}
        }
        self.rearm(id);
    }

    fn mark_alive(&mut self, now: Moment, id: InstanceId, is: bool, cause: Cause) {
        if let State::Up { alive, .. } = &self.slot(id).state
            && *alive != is
        {
            let mut state = self.slot(id).state.clone();
            if let State::Up { alive, .. } = &mut state {
                *alive = is;
            }
            self.set_state(id, state, cause, now);
        }
    }

    fn liveness_failed(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        match self.rules(id).on_liveness_failure {
            LivenessFailure::Ignore => self.mark_alive(now, id, false, cause),
            LivenessFailure::Restart => self.begin_stop(now, id, Reason::Fault { cause, restart: true }),
            LivenessFailure::Stop => {
                self.mark_alive(now, id, false, cause.clone());
                self.doom(now, id, cause);
            }
            LivenessFailure::Shutdown => {
                self.mark_alive(now, id, false, cause.clone());
                self.slot_mut(id).doomed = Some(cause);
                if self.ending.is_none() {
                    self.end_with(now, id, 1);
                }
            }
        }
    }

    pub(crate) fn stop_command_finished(&mut self, invocation: Invocation) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        let stop = self.rules(id).stop;
        if let State::Stopping { step, exit: None, .. } = &mut self.slot_mut(id).state
            && let Step::Command { kill_at } = *step
        {
            *step = Step::Signalled { kill_at };
            let scope = if stop.group { Scope::Group } else { Scope::Main };
            self.actions.push(Action::Signal { invocation, signal: stop.signal, scope });
        }
    }

    pub(crate) fn spawn_failed(&mut self, now: Moment, invocation: Invocation, failure: SpawnFailure) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        if let State::Launching { .. } = self.slot(id).state {
            let cause = Cause::SpawnFailed(failure);
            let end = End { reason: Reason::Ended, exit: None, cause, was_ready: false };
            self.life_is_over(now, id, end);
        }
    }

    pub(crate) fn exited(&mut self, now: Moment, invocation: Invocation, exit: ExitStatus, stragglers: bool) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        self.begin_life(now, id);
        self.slot_mut(id).last_exit = Some(exit);
        self.credit_stability(now, id);
        if stragglers {
            self.clear_away(now, id, exit);
        } else {
            self.end_life(now, id, Some(exit));
        }
    }

    pub(crate) fn emptied(&mut self, now: Moment, invocation: Invocation) {
        let Some(&id) = self.lives.get(&invocation) else { return };
        if let State::Stopping { exit: Some(_), .. } = self.slot(id).state {
            self.end_life(now, id, None);
        }
    }

    /// The main process ended and left others behind: they get the stop signal, and what is left of
    /// the grace period.
    fn clear_away(&mut self, now: Moment, id: InstanceId, ended: ExitStatus) {
        let stop = self.rules(id).stop;
        if !matches!(self.slot(id).state, State::Stopping { .. }) {
            let was_ready = matches!(self.slot(id).state, State::Up { .. });
            let Some(invocation) = self.slot(id).state.invocation() else { return };
            let step = Step::Command { kill_at: now + stop.grace };
            let state = State::Stopping { invocation, step, reason: Reason::Ended, exit: None, was_ready };
            self.set_state(id, state, Cause::Exit(ended), now);
        }
        let hurried = self.is_hurried();
        let State::Stopping { invocation, step, exit, .. } = &mut self.slot_mut(id).state else { return };
        if exit.replace(ended).is_some() {
            return;
        }
        let invocation = *invocation;
        if let (Step::Command { kill_at } | Step::Signalled { kill_at }, false) = (*step, hurried) {
            *step = Step::Signalled { kill_at };
            let scope = Scope::Everything;
            self.actions.push(Action::Signal { invocation, signal: stop.signal, scope });
            self.rearm(id);
        } else {
            self.kill_now(now, id);
        }
        self.touch(id);
    }

    /// Nothing is left of a life.
    fn end_life(&mut self, now: Moment, id: InstanceId, exited: Option<ExitStatus>) {
        let end = match &self.slot(id).state {
            State::Up { .. } => {
                let cause = exited.map_or(Cause::Initial, Cause::Exit);
                End { reason: Reason::Ended, exit: exited, cause, was_ready: true }
            }
            State::Stopping { reason, exit, was_ready, .. } => {
                let exit = exit.or(exited);
                let cause = match reason {
                    Reason::Fault { cause, .. } => cause.clone(),
                    Reason::Asked | Reason::Ended => exit.map_or(Cause::Initial, Cause::Exit),
                };
                End { reason: reason.clone(), exit, cause, was_ready: *was_ready }
            }
            _ => {
                let cause = exited.map_or(Cause::Initial, Cause::Exit);
                End { reason: Reason::Ended, exit: exited, cause, was_ready: false }
            }
        };
        self.life_is_over(now, id, end);
    }
}
