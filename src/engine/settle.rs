//! Taking the machine to a state where nothing is left to decide.
//!
//! Deadlines that have passed fire; wants are propagated until every count is right; then one
//! instance at a time is looked at: does its gate open, may its stop begin? An instance that waits
//! remembers one edge it waits on and is looked at again only when the other end of that edge moved.

use crate::base::{Moment, Signal};
use crate::engine::Engine;
use crate::engine::action::{Action, Cause, Limit, Scope};
use crate::engine::links::{self, EdgeId};
use crate::engine::record::{Ending, Haste};
use crate::engine::state::{KILL_AGAIN, Reason, State, Step};
use crate::graph::InstanceId;
use crate::graph::plan::Relation;
use crate::model::policy::{Condition, Kind};

/// Whether a gate is open.
enum Gate {
    Open,
    /// It waits for the other end of this edge.
    Shut(EdgeId),
    /// What a dependency had to become took longer than its edge allows.
    Expired,
}

impl Engine {
    /// Fires what is due and settles, until neither changes anything.
    pub(crate) fn settle(&mut self, now: Moment) {
        loop {
            self.fire_deadlines(now);
            if self.restless.is_empty() && self.released.is_empty() {
                if self.swap_when_parked(now) || self.judge_trial(now) || self.advance_reloads(now) {
                    continue;
                }
                break;
            }
            loop {
                self.propagate(now);
                let Some(id) = self.restless.pop_front() else { break };
                self.slot_mut(id).restless = false;
                self.examine(now, id);
            }
        }
    }

    fn fire_deadlines(&mut self, now: Moment) {
        while let Some(&(at, id)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.fire(now, id);
        }
    }

    /// Does what the passed deadline of an instance's state asks for.
    fn fire(&mut self, now: Moment, id: InstanceId) {
        if self.is_its_time(now, id) {
            return self.its_time_has_come(now, id);
        }
        let task = self.is_task(id);
        match &mut self.slot_mut(id).state {
            State::Waiting { .. } => self.expire(now, id),
            State::Starting { limit: Some(limit), .. } if *limit <= now => {
                let cause = Cause::Timeout(if task { Limit::Run } else { Limit::Start });
                self.begin_stop(now, id, Reason::Fault { cause, restart: false });
            }
            State::Starting { invocation, probes, .. } | State::Up { invocation, probes, .. } => {
                let invocation = *invocation;
                if let Some(class) = probes.take_due(now) {
                    self.actions.push(Action::Probe { instance: id, invocation, class });
                }
                self.rearm(id);
            }
            State::Stopping { .. } => self.kill_now(now, id),
            State::Backoff { .. } => self.wait(now, id, Cause::BackoffOver),
            State::Inactive
            | State::Scheduled
            | State::Launching { .. }
            | State::Completed
            | State::Failed => {
                unreachable!("a state without a deadline is in no order of deadlines")
            }
        }
    }

    /// Begins to wait for the gate.
    pub(crate) fn wait(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        let expires = self.next_expiry(id, now, now);
        self.set_state(id, State::Waiting { since: now, expires }, cause, now);
    }

    /// Returns when the next timeout of an edge runs out, of a wait that began at `since`.
    pub(crate) fn next_expiry(&self, id: InstanceId, since: Moment, now: Moment) -> Option<Moment> {
        let timeouts = self.links.dependencies(id).filter_map(|edge| self.timeout_of(edge));
        timeouts.map(|timeout| since + timeout).filter(|&at| at > now).min()
    }

    fn timeout_of(&self, edge: EdgeId) -> Option<std::time::Duration> {
        match self.plan.edges[edge as usize].relation {
            Relation::DependsOn { timeout, .. } => timeout,
            Relation::Order => None,
        }
    }

    /// A dependency's timeout ran out: looks again, and arms the next one.
    fn expire(&mut self, now: Moment, id: InstanceId) {
        let State::Waiting { since, .. } = self.slot(id).state else { return };
        let next = self.next_expiry(id, since, now);
        if let State::Waiting { expires, .. } = &mut self.slot_mut(id).state {
            *expires = next;
        }
        self.slot_mut(id).blocker = None;
        self.rearm(id);
        self.touch(id);
    }

    /// Makes those look again that wait for this instance.
    pub(crate) fn wake_neighbours(&mut self, id: InstanceId) {
        for place in self.links.dependents(id) {
            let edge = self.links.dependent(place);
            self.wake(self.plan.edges[edge as usize].dependent, edge);
        }
        for edge in self.links.dependencies(id) {
            self.wake(self.plan.edges[edge as usize].dependency, edge);
        }
    }

    fn wake(&mut self, id: InstanceId, edge: EdgeId) {
        let slot = self.slot_mut(id);
        if slot.blocker == Some(edge) && !std::mem::replace(&mut slot.restless, true) {
            self.restless.push_back(id);
        }
    }

    /// Looks at an instance: makes at most one transition.
    fn examine(&mut self, now: Moment, id: InstanceId) {
        // Neighbours wait for what is wanted as much as for states.
        let slot = self.slot_mut(id);
        let wants = (slot.wanted(), slot.has_to_stop());
        if std::mem::replace(&mut slot.told, wants) != wants {
            self.wake_neighbours(id);
        }
        match self.slot(id).state {
            State::Waiting { .. } if self.slot(id).parked => {}
            State::Waiting { since, .. } => match self.gate(id, since, now) {
                Gate::Open => self.launch(now, id),
                Gate::Shut(edge) => {
                    self.slot_mut(id).blocker = Some(edge);
                    self.run_for(now, id, edge);
                }
                Gate::Expired => self.fail(now, id, Cause::Timeout(Limit::Dependency)),
            },
            State::Starting { .. } | State::Up { .. } if self.slot(id).has_to_stop() => {
                match self.stop_waits_for(id) {
                    Some(edge) => self.slot_mut(id).blocker = Some(edge),
                    None => self.begin_stop(now, id, Reason::Asked),
                }
            }
            _ => {}
        }
    }

    /// Returns whether a waiting instance may be launched.
    fn gate(&self, id: InstanceId, since: Moment, now: Moment) -> Gate {
        let all = self.links.dependencies(id);
        // It waited for this edge last; those before it were met when it was found.
        let from = self.slot(id).blocker.filter(|edge| all.contains(edge)).unwrap_or(all.start);
        for edge in (from..all.end).chain(all.start..from) {
            let relation = &self.plan.edges[edge as usize];
            if self.holds_back(edge) {
                match self.timeout_of(edge) {
                    Some(timeout) if since + timeout <= now && links::requires(relation) => {
                        return Gate::Expired;
                    }
                    Some(timeout) if since + timeout <= now => {}
                    _ => return Gate::Shut(edge),
                }
            }
        }
        let leaving = self.links.dependents(id).map(|place| self.links.dependent(place)).find(|&edge| {
            let relation = &self.plan.edges[edge as usize];
            links::restarts(relation) && self.slot(relation.dependent).has_to_stop()
        });
        leaving.map_or(Gate::Open, Gate::Shut)
    }

    /// Returns whether an edge keeps its dependent from being launched.
    pub(crate) fn holds_back(&self, edge: EdgeId) -> bool {
        let relation = &self.plan.edges[edge as usize];
        let other = self.slot(relation.dependency);
        match relation.relation {
            Relation::DependsOn { condition, .. } => {
                self.links.held[edge as usize] && !self.is_met(condition, relation.dependency)
            }
            Relation::Order => {
                let coming = matches!(
                    other.state,
                    State::Waiting { .. }
                        | State::Launching { .. }
                        | State::Starting { .. }
                        | State::Stopping { .. }
                );
                other.wanted() && (coming || other.has_to_stop())
            }
        }
    }

    /// Returns whether a condition holds now, by the life that the dependency has now.
    pub(crate) fn is_met(&self, condition: Condition, dependency: InstanceId) -> bool {
        let slot = self.slot(dependency);
        if self.schedule_of(dependency).is_some() {
            // Its first success is what is built on; later runs hold nothing up.
            let ran = condition == Condition::Completed && slot.state == State::Scheduled;
            return slot.done || (ran && !slot.runs.is_empty());
        }
        if slot.has_to_stop() {
            return false;
        }
        let completed = slot.state == State::Completed;
        let task = self.plan.service_of(dependency).kind == Kind::Task;
        match condition {
            Condition::Started => {
                matches!(slot.state, State::Starting { .. } | State::Up { .. }) || (task && completed)
            }
            Condition::Ready | Condition::Healthy | Condition::LogReady => {
                slot.state.is_ready() || (task && completed)
            }
            Condition::Completed | Condition::CompletedSuccessfully => completed,
        }
    }

    fn launch(&mut self, now: Moment, id: InstanceId) {
        let invocation = self.next_invocation;
        self.next_invocation.0 += 1;
        let cause = match self.slot(id).cause.clone() {
            Cause::Initial => self.slot(id).want_cause.clone(),
            cause => cause,
        };
        let slot = self.slot_mut(id);
        slot.last_probe = None;
        slot.status = None;
        slot.launched = Some(now);
        slot.watching.launched(now);
        self.set_state(id, State::Launching { invocation, at: now }, cause, now);
        self.actions.push(Action::Launch { instance: id, invocation });
    }

    /// Returns the edge of a dependent that has to be down first.
    fn stop_waits_for(&self, id: InstanceId) -> Option<EdgeId> {
        if matches!(self.ending, Some(Ending { haste: Haste::Killing, .. })) {
            return None;
        }
        let all = self.links.dependents(id);
        all.map(|place| self.links.dependent(place))
            .find(|&edge| self.slot(self.plan.edges[edge as usize].dependent).has_to_stop())
    }

    /// Returns whether nothing is given a grace period any more.
    pub(crate) fn is_hurried(&self) -> bool {
        !matches!(self.ending, None | Some(Ending { haste: Haste::Orderly, .. }))
    }

    /// Begins to bring a life to its end.
    pub(crate) fn begin_stop(&mut self, now: Moment, id: InstanceId, reason: Reason) {
        let (invocation, was_ready) = match self.slot(id).state {
            State::Starting { invocation, .. } => (invocation, false),
            State::Up { invocation, .. } => (invocation, true),
            _ => return,
        };
        if reason != Reason::Asked && self.slot(id).has_to_stop() {
            // It is to stop anyway, after what depends on it: its own failure does not go before them.
            self.postpone_limit(now, id);
            return;
        }
        self.credit_stability(now, id);
        let stop = self.rules(id).stop;
        let kill_at = now + stop.grace;
        let step = match () {
            () if self.is_hurried() => Step::Killed { again: now + KILL_AGAIN },
            () if stop.command => Step::Command { kill_at },
            () => Step::Signalled { kill_at },
        };
        let cause = match &reason {
            Reason::Fault { cause, .. } => cause.clone(),
            Reason::Asked | Reason::Ended => {
                let slot = self.slot(id);
                let asked = if slot.wanted() { slot.bounce.clone() } else { slot.doomed.clone() };
                asked.unwrap_or_else(|| slot.want_cause.clone())
            }
        };
        self.set_state(id, State::Stopping { invocation, step, reason, exit: None, was_ready }, cause, now);
        self.actions.push(match step {
            Step::Killed { .. } => {
                Action::Signal { invocation, signal: Signal::KILL, scope: Scope::Everything }
            }
            Step::Command { .. } => Action::StopCommand { instance: id, invocation },
            Step::Signalled { .. } => Action::Signal {
                invocation,
                signal: stop.signal,
                scope: if stop.group { Scope::Group } else { Scope::Main },
            },
        });
    }

    /// Grants a start its whole limit again.
    fn postpone_limit(&mut self, now: Moment, id: InstanceId) {
        let again =
            self.rules(id).timeout.filter(|_| self.is_task(id)).unwrap_or(self.rules(id).start_timeout);
        if let State::Starting { limit: Some(limit), .. } = &mut self.slot_mut(id).state
            && *limit <= now
        {
            *limit = now + again.max(KILL_AGAIN);
        }
        self.rearm(id);
    }

    /// Kills what is left of a life that is being stopped; with a killing shutdown, any life.
    pub(crate) fn kill_now(&mut self, now: Moment, id: InstanceId) {
        let killing = matches!(self.ending, Some(Ending { haste: Haste::Killing, .. }));
        match &mut self.slot_mut(id).state {
            State::Stopping { invocation, step, .. } => {
                let invocation = *invocation;
                *step = Step::Killed { again: now + KILL_AGAIN };
                self.rearm(id);
                self.touch(id);
                let kill = Action::Signal { invocation, signal: Signal::KILL, scope: Scope::Everything };
                self.actions.push(kill);
            }
            State::Starting { .. } | State::Up { .. } if killing => self.begin_stop(now, id, Reason::Asked),
            _ => {}
        }
    }

    /// Ends supervision once a shutdown has nothing left to wait for.
    pub(crate) fn end_when_all_is_down(&mut self) {
        if let Some(ending) = self.ending
            && self.lives.is_empty()
            && !std::mem::replace(&mut self.ended, true)
        {
            self.answer_ended();
            self.actions.push(Action::End { code: ending.code });
        }
    }
}
