//! What is wanted: commands of an operator, and how wants travel along the edges.
//!
//! Commands set flags and counts and queue; nothing is launched or signalled here. A dependency is
//! wanted while it was asked for or an edge in force holds it, so what was pulled in goes when
//! nothing holds it any more.

use crate::base::Moment;
use crate::engine::Engine;
use crate::engine::action::{Action, Cause, Limit, RequestResult, StateName};
use crate::engine::event::{Command, RequestId};
use crate::engine::links::{self, EdgeId};
use crate::engine::record::{Ending, Haste};
use crate::engine::request::Goal;
use crate::engine::state::State;
use crate::engine::watched::Watching;
use crate::graph::InstanceId;
use crate::graph::plan::Relation;
use crate::model::policy::Condition;

impl Engine {
    pub(crate) fn command(&mut self, now: Moment, request: RequestId, command: Command) {
        let starts = matches!(
            command,
            Command::Start { .. }
                | Command::Run { .. }
                | Command::Restart { .. }
                | Command::Reload { .. }
                | Command::Apply(_)
        );
        if self.ending.is_some() && starts {
            self.actions.push(Action::RequestEnded { request, result: RequestResult::Superseded });
            return;
        }
        let cause = Cause::Request(request);
        match command {
            Command::Start { instances, no_deps } => {
                self.supersede(&instances, |goal| goal == Goal::Down);
                for &id in &instances {
                    self.start(now, id, no_deps, &cause);
                }
                self.expect(request, Goal::Up, instances);
            }
            Command::Run { instances, no_deps } => {
                self.supersede(&instances, |goal| goal == Goal::Down);
                for &id in &instances {
                    self.start(now, id, no_deps, &cause);
                    self.run_at_once(now, id, &cause);
                }
                self.expect(request, Goal::Ran, instances);
            }
            Command::Stop { instances, no_deps } => {
                let all = if no_deps { alone(&instances) } else { self.with_dependents(&instances, true) };
                let ids: Vec<InstanceId> = all.iter().map(|&(id, _)| id).collect();
                self.supersede(&ids, |goal| goal != Goal::Down);
                self.stop(now, &all, &cause);
                self.expect(request, Goal::Down, instances);
            }
            Command::Restart { instances, no_deps } => {
                self.supersede(&instances, |goal| goal == Goal::Down);
                let goal = Goal::Again(self.next_invocation);
                self.restart(now, &instances, no_deps, &cause);
                self.expect(request, goal, instances);
            }
            Command::Reload { told, rolled } => self.reload(request, &told, rolled),
            Command::Apply(new) => self.apply_plan(request, new),
            Command::Shutdown { kill } => {
                self.supersede_all(|goal| goal != Goal::Down && goal != Goal::End);
                self.shut_down(now, kill, cause);
                self.expect(request, Goal::End, Vec::new());
            }
        }
    }

    /// Wants an instance up by name: it and what it depends on start now, whatever delay they wait for.
    pub(crate) fn start(&mut self, now: Moment, id: InstanceId, no_deps: bool, cause: &Cause) {
        let was_wanted = self.slot(id).wanted();
        self.slot_mut(id).explicit = true;
        self.bring_up(now, id, no_deps, cause.clone());
        if !was_wanted {
            self.reattach(id);
        }
    }

    /// Lets an instance that is wanted begin anew, with all that it depends on.
    pub(crate) fn bring_up(&mut self, now: Moment, id: InstanceId, no_deps: bool, cause: Cause) {
        let mut seen = std::collections::BTreeSet::new();
        let mut todo = vec![(id, cause)];
        while let Some((id, cause)) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            self.renew(now, id, &cause);
            if no_deps {
                break;
            }
            for edge in self.links.dependencies(id) {
                if links::pulls(&self.plan.edges[edge as usize]) {
                    self.hold(edge);
                    todo.push((self.plan.edges[edge as usize].dependency, Cause::Needed { by: id }));
                }
            }
        }
    }

    /// Forgets what an instance's failures cost it, and lets it begin anew when it is down.
    pub(crate) fn renew(&mut self, now: Moment, id: InstanceId, cause: &Cause) {
        self.enroll(now, id);
        let task = self.is_task(id);
        let rests = self.rests_first(id, cause);
        let slot = self.slot_mut(id);
        slot.doomed = None;
        if let Cause::Request(_) = cause {
            slot.watching = Watching::default();
        }
        slot.attempt = 0;
        slot.recent.clear();
        let begins = match slot.state {
            State::Inactive | State::Failed | State::Backoff { .. } => true,
            State::Scheduled => matches!(cause, Cause::Needed { .. }) && !slot.done,
            State::Completed => !task,
            _ => false,
        };
        if begins {
            slot.restarts = 0;
        }
        if matches!(slot.state, State::Inactive | State::Failed) {
            slot.done = false;
        }
        slot.want_cause = cause.clone();
        if rests {
            self.set_state(id, State::Scheduled, cause.clone(), now);
        } else if begins {
            self.wait(now, id, cause.clone());
        } else {
            self.touch(id);
        }
    }

    /// Stops instances; `all` holds their dependents already, unless those are to be left alone.
    fn stop(&mut self, now: Moment, all: &[(InstanceId, InstanceId)], request: &Cause) {
        for &(id, with) in all {
            let cause = &along(id, with, request);
            if self.slot(id).state == State::Failed {
                self.set_state(id, State::Inactive, cause.clone(), now);
            }
            self.let_go(id, cause);
            self.slot_mut(id).doomed = None;
        }
    }

    /// Makes an instance unwanted: nobody asks for it and no edge holds it.
    pub(crate) fn let_go(&mut self, id: InstanceId, cause: &Cause) {
        for place in self.links.dependents(id) {
            let edge = self.links.dependent(place);
            self.unhold(edge, cause.clone());
            self.touch(self.plan.edges[edge as usize].dependent);
        }
        let slot = self.slot_mut(id);
        slot.explicit = false;
        slot.want_cause = cause.clone();
        self.released.push(id);
        self.touch(id);
    }

    pub(crate) fn restart(&mut self, now: Moment, named: &[InstanceId], no_deps: bool, cause: &Cause) {
        let all = if no_deps { alone(named) } else { self.with_dependents(named, false) };
        for &id in named {
            if self.slot(id).state == State::Completed {
                self.set_state(id, State::Inactive, cause.clone(), now);
            }
            let explicit = self.slot(id).explicit || !self.slot(id).wanted();
            self.start(now, id, no_deps, cause);
            self.run_at_once(now, id, cause);
            self.slot_mut(id).explicit = explicit;
        }
        self.bounce(&all, cause);
    }

    /// Makes living instances stop once and come back; the others are down already.
    pub(crate) fn bounce(&mut self, all: &[(InstanceId, InstanceId)], request: &Cause) {
        for &(id, with) in all {
            let cause = &along(id, with, request);
            if self.slot(id).state.is_live() && self.slot(id).wanted() {
                let slot = self.slot_mut(id);
                slot.bounce = Some(cause.clone());
                slot.want_cause = cause.clone();
                self.touch(id);
            }
        }
    }

    /// Wants everything down for good.
    pub(crate) fn shut_down(&mut self, now: Moment, kill: bool, cause: Cause) {
        let haste = match &self.ending {
            _ if kill => Haste::Killing,
            None => Haste::Orderly,
            Some(Ending { haste: Haste::Killing, .. }) => Haste::Killing,
            Some(_) => Haste::Hurried,
        };
        let code = self.ending.and_then(|ending| ending.code);
        self.give_up_apply();
        self.give_up_reloads();
        self.ending = Some(Ending { haste, code });
        for id in (0..self.slots.len() as u32).map(InstanceId) {
            if self.slot(id).wanted() {
                self.let_go(id, &cause);
            }
            if haste != Haste::Orderly {
                self.kill_now(now, id);
            }
        }
    }

    /// Returns these and, transitively, what cannot be without them: each beside the named one that it
    /// goes with.
    ///
    /// A completed task passes a stop on, as what builds on its result builds on what it depends on.
    /// It does not pass a restart on (`through_completed` is false): its result stands.
    fn with_dependents(
        &self,
        named: &[InstanceId],
        through_completed: bool,
    ) -> Vec<(InstanceId, InstanceId)> {
        let mut all = Vec::new();
        let mut seen: std::collections::BTreeSet<InstanceId> = named.iter().copied().collect();
        let mut todo: Vec<(InstanceId, InstanceId)> = named.iter().rev().map(|&id| (id, id)).collect();
        while let Some((id, with)) = todo.pop() {
            all.push((id, with));
            for place in self.links.dependents(id) {
                let edge = self.links.dependent(place);
                let relation = &self.plan.edges[edge as usize];
                let passes = through_completed || self.slot(relation.dependent).state != State::Completed;
                let goes = self.links.held[edge as usize] && links::requires(relation) && passes;
                if goes && seen.insert(relation.dependent) {
                    todo.push((relation.dependent, with));
                }
            }
        }
        all
    }

    /// Returns what restarts with an instance whose own process restarts by itself: those whose edge
    /// says so, and what cannot be without them.
    pub(crate) fn restarting_with(&self, id: InstanceId) -> Vec<(InstanceId, InstanceId)> {
        let direct: Vec<InstanceId> = self
            .links
            .dependents(id)
            .map(|place| self.links.dependent(place))
            .filter(|&edge| {
                self.links.held[edge as usize] && links::restarts(&self.plan.edges[edge as usize])
            })
            .map(|edge| self.plan.edges[edge as usize].dependent)
            .collect();
        self.with_dependents(&direct, false)
    }

    /// Puts an edge in force.
    pub(crate) fn hold(&mut self, edge: EdgeId) {
        if !std::mem::replace(&mut self.links.held[edge as usize], true) {
            let dependency = self.plan.edges[edge as usize].dependency;
            let was_wanted = self.slot(dependency).wanted();
            self.slot_mut(dependency).holders += 1;
            if !was_wanted {
                self.reattach(dependency);
            }
            self.touch(dependency);
        }
    }

    /// Takes an edge out of force.
    pub(crate) fn unhold(&mut self, edge: EdgeId, cause: Cause) {
        if std::mem::replace(&mut self.links.held[edge as usize], false) {
            let dependency = self.plan.edges[edge as usize].dependency;
            let slot = self.slot_mut(dependency);
            slot.holders -= 1;
            if !slot.wanted() {
                slot.want_cause = cause;
                self.released.push(dependency);
            }
            self.touch(dependency);
        }
    }

    /// Lets the dependents of an instance that is wanted again hold it: those that are up themselves.
    fn reattach(&mut self, id: InstanceId) {
        for place in self.links.dependents(id) {
            let edge = self.links.dependent(place);
            let Relation::DependsOn { .. } = self.plan.edges[edge as usize].relation else { continue };
            let dependent = self.plan.edges[edge as usize].dependent;
            if self.slot(dependent).wanted() && !self.links.held[edge as usize] {
                self.links.held[edge as usize] = true;
                self.slot_mut(id).holders += 1;
            }
        }
    }

    /// Propagates wants until every count is right.
    pub(crate) fn propagate(&mut self, now: Moment) {
        while let Some(id) = self.released.pop() {
            if self.slot(id).wanted() {
                continue;
            }
            for edge in self.links.dependencies(id) {
                self.unhold(edge, Cause::Released);
            }
            self.strike_off(id);
            let slot = self.slot_mut(id);
            slot.bounce = None;
            let cause = slot.want_cause.clone();
            let rests = match slot.state {
                State::Waiting { .. } | State::Scheduled | State::Backoff { .. } => true,
                State::Completed => self.is_task(id) && self.ending.is_none(),
                _ => false,
            };
            if rests {
                self.come_to_rest(now, id, cause);
            }
        }
    }

    /// Takes the consequences of an instance that will not come back by itself: what cannot be
    /// without it falls too, the others go on without it.
    pub(crate) fn fall(&mut self, now: Moment, root: InstanceId) {
        let mut todo = vec![root];
        while let Some(id) = todo.pop() {
            let state = if self.slot(id).state.is_live() { StateName::Failed } else { self.name_of(id) };
            let cause = Cause::Neighbour { instance: id, state };
            for place in self.links.dependents(id) {
                let edge = self.links.dependent(place);
                if !self.links.held[edge as usize] {
                    continue;
                }
                self.unhold(edge, cause.clone());
                let relation = self.plan.edges[edge as usize];
                let dependent = relation.dependent;
                self.touch(dependent);
                let state = &self.slot(dependent).state;
                if !links::requires(&relation)
                    || self.was_enough(&relation.relation, id)
                    || *state == State::Completed
                {
                    continue;
                }
                if state.is_live() {
                    let slot = self.slot_mut(dependent);
                    slot.doomed = Some(cause.clone());
                } else {
                    self.set_state(dependent, State::Failed, cause.clone(), now);
                }
                self.slot_mut(dependent).want_cause = cause.clone();
                self.slot_mut(dependent).explicit = false;
                todo.push(dependent);
            }
            self.slot_mut(id).explicit = false;
            self.released.push(id);
            self.touch(id);
        }
    }

    /// Returns whether what a dependent waited for came true although the dependency is over.
    fn was_enough(&self, relation: &Relation, dependency: InstanceId) -> bool {
        let Relation::DependsOn { condition, .. } = relation else { return true };
        let slot = self.slot(dependency);
        match condition {
            Condition::Completed => {
                let ran = matches!(
                    slot.cause,
                    Cause::Exit(_) | Cause::GaveUp { last: Some(_), .. } | Cause::Timeout(Limit::Run)
                );
                slot.state == State::Completed || (slot.state == State::Failed && ran)
            }
            Condition::CompletedSuccessfully => slot.state == State::Completed,
            Condition::Started | Condition::Ready | Condition::Healthy | Condition::LogReady => false,
        }
    }
}

/// Lists instances that nothing goes with.
fn alone(named: &[InstanceId]) -> Vec<(InstanceId, InstanceId)> {
    named.iter().map(|&id| (id, id)).collect()
}

/// Returns why an instance stops or restarts that goes with another: `request` when it is that one.
fn along(id: InstanceId, with: InstanceId, request: &Cause) -> Cause {
    if id == with { request.clone() } else { Cause::Along { with } }
}
