//! Another plan while everything runs (rule 15).
//!
//! It happens in two steps, so that every edge, count and life belongs to exactly one plan:
//!
//! 1. **Park.** What the new plan does not have, and what needs another process, is parked, together
//!    with what cannot be without the latter: a parked instance stops in order and is not launched.
//!    The old plan is in force meanwhile.
//! 2. **Swap.** When nothing parked lives any more, the new plan takes the place of the old one in an
//!    instant. Instances keep their state by name; then wants travel along the new edges, and what was
//!    parked or is new starts.
//!
//! An apply that can be taken back watches what it started: when one of these fails to come up, the
//! old plan is applied again in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::base::Moment;
use crate::engine::Engine;
use crate::engine::action::{Action, Cause, RequestResult};
use crate::engine::event::{NewPlan, RequestId};
use crate::engine::links::{self, Links};
use crate::engine::request::Goal;
use crate::engine::slot::Slot;
use crate::engine::state::{Reason, State};
use crate::graph::plan::{Readiness, Rules};
use crate::graph::{Change, Fate, InstanceId, Plan};

/// A plan that is being applied: its parked instances are on their way down.
#[derive(Clone, Debug)]
pub(crate) struct Applying {
    request: RequestId,
    new: Arc<NewPlan>,
    change: Arc<Change>,
    /// What did not come up under the plan that is taken back by this one.
    undoes: Vec<Arc<str>>,
}

/// A plan that was applied and can still be taken back.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    request: RequestId,
    old: Arc<Plan>,
    /// What was running or asked for under the old plan.
    wanted: BTreeSet<Arc<str>>,
    /// What has to come up at its first attempt, and how many restarts it had before that.
    pending: BTreeMap<InstanceId, u32>,
    /// When the next of them has run for long enough.
    due: Option<Moment>,
}

/// How long a service without a readiness has to run to count as having come up, for those who ask: what depends
/// on it does not wait for that.
pub const PROOF: Duration = Duration::from_millis(250);

/// What an instance has shown of itself.
pub(crate) enum Proof {
    /// It came up, or nobody wants it any more.
    Given,
    /// It did not.
    Failed,
    /// It may yet; by time alone at this moment.
    Due(Option<Moment>),
}

impl Engine {
    /// Begins to apply a plan; one that is still being applied is given up for it.
    pub(crate) fn apply_plan(&mut self, request: RequestId, new: Arc<NewPlan>) {
        self.give_up_apply();
        self.park_for(request, new, Vec::new());
    }

    /// Ends an apply that is under way as superseded; what it parked goes on under the plan in force.
    pub(crate) fn give_up_apply(&mut self) {
        if let Some(trial) = self.trial.take() {
            self.actions.push(ended(trial.request, RequestResult::Superseded));
        }
        if let Some(applying) = self.applying.take() {
            self.actions.push(ended(applying.request, RequestResult::Superseded));
            for id in (0..self.slots.len() as u32).map(InstanceId) {
                if std::mem::take(&mut self.slot_mut(id).parked) {
                    self.touch(id);
                }
            }
        }
    }

    fn park_for(&mut self, request: RequestId, new: Arc<NewPlan>, undoes: Vec<Arc<str>>) {
        self.give_up_reloads();
        let change = Arc::new(Change::between(&self.plan, &new.plan));
        let cause = Cause::Request(request);
        let goes = |id: &InstanceId| match change.after[id.0 as usize] {
            None => true,
            Some(new) => change.restarts(new),
        };
        let all = (0..self.slots.len() as u32).map(InstanceId);
        let changed: Vec<InstanceId> = all.filter(goes).collect();
        for id in self.parked_with(&changed, &change, &new.plan) {
            let slot = self.slot_mut(id);
            slot.parked = true;
            slot.want_cause = cause.clone();
            self.touch(id);
        }
        self.applying = Some(Applying { request, new, change, undoes });
    }

    /// Returns these and, transitively, what cannot be without them and still requires them under the
    /// new plan: what does not is let go of without a stop.
    fn parked_with(&self, changed: &[InstanceId], change: &Change, new: &Plan) -> Vec<InstanceId> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<InstanceId> = changed.to_vec();
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            for place in self.links.dependents(id) {
                let edge = self.links.dependent(place);
                let relation = &self.plan.edges[edge as usize];
                let live = self.slot(relation.dependent).state.is_live();
                if self.links.held[edge as usize] && live && change.stands(relation, new) {
                    todo.push(relation.dependent);
                }
            }
        }
        seen.into_iter().collect()
    }

    /// Puts the new plan in force once nothing that is parked lives; returns whether it did.
    pub(crate) fn swap_when_parked(&mut self, now: Moment) -> bool {
        let waits = self.applying.is_none() || self.slots.iter().any(|s| s.parked && s.state.is_live());
        let Some(applying) = (if waits { None } else { self.applying.take() }) else { return false };
        let Applying { request, new, change, undoes } = applying;
        let old = Arc::clone(&self.plan);
        let wanted = self.wanted_names();
        self.swap(now, request, &new.plan, &change);
        let begun = self.start_after_swap(now, request, &new.start, &old, &change);
        if !undoes.is_empty() {
            self.expect_return(request, begun, undoes);
        } else if new.rollback {
            let pending = begun.into_iter().map(|id| (id, self.slot(id).restarts)).collect();
            self.trial = Some(Trial { request, old, wanted, pending, due: None });
        } else {
            self.expect(request, Goal::Up, begun);
        }
        true
    }

    fn wanted_names(&self) -> BTreeSet<Arc<str>> {
        let wanted = self.slots.iter().zip(&self.plan.instances).filter(|(slot, _)| slot.wanted());
        wanted.map(|(_, instance)| Arc::clone(&instance.name)).collect()
    }

    /// Exchanges the plan: everything that is kept by place finds its new one.
    fn swap(&mut self, now: Moment, request: RequestId, new: &Arc<Plan>, change: &Arc<Change>) {
        let lost = Cause::Request(request);
        let place = |id: InstanceId| change.after[id.0 as usize];
        let held = self.held_pairs(change);
        let slots = std::mem::take(&mut self.slots);
        let wanted: BTreeSet<InstanceId> = slots
            .iter()
            .zip(0..)
            .filter(|(s, _)| s.wanted())
            .filter_map(|(_, i)| place(InstanceId(i)))
            .collect();
        self.give_up_reloads();
        self.supersede_removed(&slots, change);
        let old = std::mem::replace(&mut self.plan, Arc::clone(new));
        // What is done from here on is said in the words of the new plan.
        self.actions.push(Action::PlanChanged { plan: Arc::clone(new), change: Arc::clone(change) });
        self.links = Links::new(new);
        self.slots = vec![Slot::default(); new.instances.len()];
        self.lives.clear();
        self.deadlines.clear();
        for queue in [&mut self.touched, &mut self.changed, &mut self.released] {
            queue.clear();
        }
        self.restless.clear();
        for (was, mut slot) in (0..).map(InstanceId).zip(slots) {
            let Some(id) = place(was) else { continue };
            slot.move_to(&|cause| moved(cause, change, &lost));
            slot.requests.retain(|request| self.requests.contains_key(request));
            self.slots[id.0 as usize] = slot;
        }
        for pending in self.requests.values_mut() {
            pending.missing = pending.missing.iter().filter_map(|&id| place(id)).collect();
        }
        for (edge, relation) in new.edges.iter().enumerate() {
            if links::pulls(relation) && held.contains(&(relation.dependent, relation.dependency)) {
                self.links.held[edge] = true;
                self.slots[relation.dependency.0 as usize].holders += 1;
            }
        }
        for id in (0..self.slots.len() as u32).map(InstanceId) {
            if let Some(life) = self.slot(id).state.invocation() {
                self.lives.insert(life, id);
            }
            self.follow_probes(now, id, &old, change);
            self.follow_schedule(now, id, &old, change, &lost);
            self.rearm(id);
            if wanted.contains(&id) && !self.slot(id).wanted() {
                self.slot_mut(id).want_cause = lost.clone();
                self.released.push(id);
            }
            self.touch(id);
        }
    }

    /// Returns the edges in force, by the places of the new plan.
    fn held_pairs(&self, change: &Change) -> BTreeSet<(InstanceId, InstanceId)> {
        let place = |id: InstanceId| change.after[id.0 as usize];
        let edges = self.plan.edges.iter().zip(&self.links.held).filter(|(_, held)| **held);
        edges.filter_map(|(edge, _)| Some((place(edge.dependent)?, place(edge.dependency)?))).collect()
    }

    /// Answers whoever waited for what is gone: that it is down is true, that it is up never will be.
    fn supersede_removed(&mut self, slots: &[Slot], change: &Change) {
        let removed = slots.iter().zip(&change.after).filter(|(_, after)| after.is_none());
        let waiting: BTreeSet<RequestId> = removed.flat_map(|(slot, _)| slot.requests.clone()).collect();
        for request in waiting {
            let Some(pending) = self.requests.get_mut(&request) else { continue };
            if pending.goal == Goal::Down {
                pending.missing.retain(|id| change.after[id.0 as usize].is_some());
                if !pending.missing.is_empty() {
                    continue;
                }
                self.requests.remove(&request);
                self.actions.push(ended(request, RequestResult::Done));
            } else {
                self.requests.remove(&request);
                self.actions.push(ended(request, RequestResult::Superseded));
            }
        }
    }

    /// Lets the probes of a life follow changed schedules.
    fn follow_probes(&mut self, now: Moment, id: InstanceId, old: &Plan, change: &Change) {
        let Fate::Kept { was, .. } = change.fates[id.0 as usize] else { return };
        let (was, is) = (old.rules(was), self.plan.rules(id));
        let changed = (was.readiness != is.readiness, was.startup != is.startup, was.liveness != is.liveness);
        if changed == (false, false, false) {
            return;
        }
        let mut rules = Rules::clone(is);
        if self.is_task(id) {
            // A task is ready when it has ended.
            rules.readiness = Readiness::Started;
        }
        match &mut self.slot_mut(id).state {
            State::Starting { probes, .. } => probes.follow(&rules, false, now),
            State::Up { probes, .. } => probes.follow(&rules, true, now),
            _ => {}
        }
    }

    /// Starts what was parked, what is new, and what new edges need; returns what is to come up.
    fn start_after_swap(
        &mut self,
        now: Moment,
        request: RequestId,
        start: &[InstanceId],
        old: &Plan,
        change: &Change,
    ) -> Vec<InstanceId> {
        let cause = Cause::Request(request);
        let mut begun = Vec::new();
        for id in (0..self.slots.len() as u32).map(InstanceId) {
            let parked = std::mem::take(&mut self.slot_mut(id).parked);
            let anew = change.restarts(id);
            let state = &self.slot(id).state;
            let asked = start.contains(&id) || (anew && *state == State::Failed);
            if anew && matches!(state, State::Completed | State::Failed) {
                self.set_state(id, State::Inactive, cause.clone(), now);
            }
            if asked {
                self.start(now, id, false, &cause);
            } else if self.slot(id).wanted() && parked {
                if anew {
                    self.bring_up(now, id, false, cause.clone());
                } else {
                    self.renew(now, id, &cause);
                }
                if let State::Waiting { .. } = self.slot(id).state {
                    self.wait(now, id, cause.clone());
                }
            }
            if asked || parked {
                begun.push(id);
            }
        }
        self.pull_new(now, old, change);
        begun.retain(|&id| self.slot(id).wanted());
        begun
    }

    /// Brings up what instances that are wanted depend on, or cannot be without, since this plan.
    fn pull_new(&mut self, now: Moment, old: &Plan, change: &Change) {
        let place = |id: InstanceId| change.after[id.0 as usize];
        let pulling = old.edges.iter().filter(|edge| links::pulls(edge));
        let before: BTreeMap<_, bool> =
            pulling.map(|e| ((place(e.dependent), place(e.dependency)), links::requires(e))).collect();
        let plan = Arc::clone(&self.plan);
        for (edge, relation) in (0..).zip(&plan.edges) {
            let (dependent, dependency) = (relation.dependent, relation.dependency);
            let required = before.get(&(Some(dependent), Some(dependency)));
            let is_new = required.is_none_or(|&required| links::requires(relation) && !required);
            if is_new && links::pulls(relation) && self.slot(dependent).wanted() {
                self.hold(edge);
                self.bring_up(now, dependency, false, Cause::Needed { by: dependent });
            }
        }
    }

    /// Looks at what an apply that can be taken back started; returns whether it is taken back.
    pub(crate) fn judge_trial(&mut self, now: Moment) -> bool {
        let Some(mut trial) = self.trial.take() else { return false };
        let mut failed = Vec::new();
        trial.due = None;
        trial.pending.retain(|&id, &mut restarts| match self.trial_of(id, restarts, now) {
            Proof::Given => false,
            Proof::Failed => {
                failed.push(id);
                true
            }
            Proof::Due(at) => {
                trial.due = [trial.due, at].into_iter().flatten().min();
                true
            }
        });
        if !failed.is_empty() {
            self.take_back(trial, &failed);
            return true;
        }
        if trial.pending.is_empty() {
            self.actions.push(ended(trial.request, RequestResult::Done));
        } else {
            self.trial = Some(trial);
        }
        false
    }

    /// Judges one instance of a trial, which had this many restarts when it began.
    pub(crate) fn trial_of(&self, id: InstanceId, restarts: u32, now: Moment) -> Proof {
        let slot = self.slot(id);
        let task = self.is_task(id);
        let fault = matches!(slot.state, State::Stopping { reason: Reason::Fault { .. }, .. });
        if slot.restarts > restarts || slot.state == State::Failed || fault {
            return Proof::Failed;
        }
        match &slot.state {
            State::Scheduled => Proof::Given,
            State::Completed if task => Proof::Given,
            State::Completed => Proof::Failed,
            State::Up { ready_since: Some(since), .. } if self.rules(id).readiness == Readiness::Started => {
                let proven = *since + PROOF;
                if proven <= now { Proof::Given } else { Proof::Due(Some(proven)) }
            }
            State::Up { ready_since: Some(_), .. } => Proof::Given,
            _ if !slot.wanted() => Proof::Given,
            _ => Proof::Due(None),
        }
    }

    /// Returns when a trial may end by time alone.
    pub(crate) fn trial_due(&self) -> Option<Moment> {
        self.trial.as_ref()?.due
    }

    /// Applies the plan before again, because of what failed to come up.
    fn take_back(&mut self, trial: Trial, failed: &[InstanceId]) {
        let Trial { request, old, wanted, .. } = trial;
        let names = failed.iter().map(|&id| Arc::clone(&self.plan.instance(id).name)).collect();
        let still = self.wanted_names();
        let missing = old.instances().filter(|(_, i)| wanted.contains(&i.name) && !still.contains(&i.name));
        let start = missing.map(|(id, _)| id).collect();
        self.park_for(request, Arc::new(NewPlan { plan: Arc::clone(&old), start, rollback: false }), names);
    }
}

/// Returns a cause as it is under the new plan; `lost` where what it points at is gone.
fn moved(cause: &Cause, change: &Change, lost: &Cause) -> Cause {
    let place = |id: &InstanceId| change.after[id.0 as usize];
    let moved = match cause {
        Cause::Neighbour { instance, state } => {
            place(instance).map(|instance| Cause::Neighbour { instance, state: *state })
        }
        Cause::Needed { by } => place(by).map(|by| Cause::Needed { by }),
        Cause::Shutdown { instance } => place(instance).map(|instance| Cause::Shutdown { instance }),
        cause => Some(cause.clone()),
    };
    moved.unwrap_or_else(|| lost.clone())
}

fn ended(request: RequestId, result: RequestResult) -> Action {
    Action::RequestEnded { request, result }
}
