//! Reloads (rule 18): what can be told reads its configuration again; replicas of what cannot are replaced, one after
//! the other.
//!
//! A replica is restarted by itself, without its dependents: the others do its work meanwhile. The next one follows
//! when it has shown that it came up, judged as after an apply that can be taken back. One that does not ends the
//! request; the replicas that were not reached yet keep their processes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{Invocation, Moment};
use crate::engine::Engine;
use crate::engine::action::{Action, Cause, RequestResult};
use crate::engine::apply::Proof;
use crate::engine::event::RequestId;
use crate::engine::state::State;
use crate::graph::InstanceId;

/// A reload that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    request: RequestId,
    /// The lives that were told and have not answered.
    told: BTreeMap<Invocation, InstanceId>,
    failed: BTreeSet<InstanceId>,
    /// The replicas that are replaced, those whose turn was included.
    rolled: Vec<InstanceId>,
    /// The replicas whose turn is yet to come.
    queue: VecDeque<InstanceId>,
    /// The replica whose turn it is, and how many restarts it had before.
    current: Option<(InstanceId, u32)>,
    /// When the current one has run for long enough.
    due: Option<Moment>,
}

/// What may be done about a reload now.
enum Turn {
    /// Nothing but wait.
    Wait,
    /// The turn of this replica begins.
    Begin(InstanceId),
    /// It is over.
    End(RequestResult),
}

impl Engine {
    /// Tells these to read their configuration again, and replaces those one after the other.
    pub(crate) fn reload(&mut self, request: RequestId, told: &[InstanceId], rolled: Vec<InstanceId>) {
        let mut reload = Reload {
            request,
            told: BTreeMap::new(),
            failed: BTreeSet::new(),
            rolled: Vec::new(),
            queue: VecDeque::new(),
            current: None,
            due: None,
        };
        for &id in told {
            match self.slot(id).state {
                State::Up { invocation, .. } if !self.slot(id).has_to_stop() => {
                    reload.told.insert(invocation, id);
                    self.actions.push(Action::Reload { instance: id, invocation });
                }
                _ => {
                    reload.failed.insert(id);
                }
            }
        }
        for id in rolled {
            if self.slot(id).wanted() {
                reload.rolled.push(id);
                reload.queue.push_back(id);
            } else {
                reload.failed.insert(id);
            }
        }
        self.reloads.push(reload);
    }

    /// A life that was told has done it, or could not.
    pub(crate) fn reload_finished(&mut self, invocation: Invocation, passed: bool) {
        for reload in &mut self.reloads {
            if let Some(id) = reload.told.remove(&invocation)
                && !passed
            {
                reload.failed.insert(id);
            }
        }
    }

    /// Ends every reload: something else is done with what they are about.
    pub(crate) fn give_up_reloads(&mut self) {
        for reload in std::mem::take(&mut self.reloads) {
            let (request, result) = (reload.request, RequestResult::Superseded);
            self.actions.push(Action::RequestEnded { request, result });
        }
    }

    /// Returns when a replica may count as up by time alone.
    pub(crate) fn reload_due(&self) -> Option<Moment> {
        self.reloads.iter().filter_map(|reload| reload.due).min()
    }

    /// Goes on with reloads where that is possible; returns whether anything is to be settled by that.
    pub(crate) fn advance_reloads(&mut self, now: Moment) -> bool {
        let mut moved = false;
        for mut reload in std::mem::take(&mut self.reloads) {
            let lost = |(life, _): &(&Invocation, &InstanceId)| !self.lives.contains_key(life);
            let lost: Vec<Invocation> = reload.told.iter().filter(lost).map(|(&life, _)| life).collect();
            reload.failed.extend(lost.iter().filter_map(|life| reload.told.remove(life)));
            match if moved { Turn::Wait } else { self.turn(&mut reload, now) } {
                Turn::Wait => self.reloads.push(reload),
                Turn::End(result) => {
                    self.actions.push(Action::RequestEnded { request: reload.request, result });
                }
                Turn::Begin(id) => {
                    reload.current = Some((id, self.slot(id).restarts));
                    self.restart(now, &[id], true, &Cause::Request(reload.request));
                    // A start by hand may have taken its restarts back.
                    reload.current = Some((id, self.slot(id).restarts));
                    self.reloads.push(reload);
                    moved = true;
                }
            }
        }
        moved
    }

    fn turn(&self, reload: &mut Reload, now: Moment) -> Turn {
        reload.due = None;
        if let Some((id, restarts)) = reload.current {
            let proof = match self.slot(id) {
                slot if slot.has_to_stop() => Proof::Due(None),
                slot if is_over(&slot.state) || slot.doomed.is_some() => Proof::Failed,
                slot if !slot.wanted() => return Turn::End(RequestResult::Superseded),
                _ => self.trial_of(id, restarts, now),
            };
            match proof {
                Proof::Given => reload.current = None,
                Proof::Failed => return Turn::End(RequestResult::Failed(vec![id])),
                Proof::Due(at) => {
                    reload.due = at;
                    return Turn::Wait;
                }
            }
        }
        let Some(&id) = reload.queue.front() else {
            return match (reload.told.is_empty(), reload.failed.is_empty()) {
                (false, _) => Turn::Wait,
                (true, true) => Turn::End(RequestResult::Done),
                (true, false) => Turn::End(RequestResult::Failed(reload.failed.iter().copied().collect())),
            };
        };
        let siblings = self.plan.service_of(id).instances.clone().map(InstanceId);
        if let Some(over) = siblings.clone().find(|&id| is_over(&self.slot(id).state)) {
            return Turn::End(RequestResult::Failed(vec![over]));
        }
        // Whoever stops one of them while others are yet to come wants something else than that the rest goes
        // down too.
        if reload.rolled.iter().any(|&id| !self.slot(id).wanted()) {
            return Turn::End(RequestResult::Superseded);
        }
        let is_up = |id| {
            let slot = self.slot(id);
            !slot.wanted() && !slot.state.is_live() || slot.state.is_ready() && !slot.has_to_stop()
        };
        // What somebody restarts already is replaced when it is back: its stop may have to wait.
        if !self.slot(id).has_to_stop() && siblings.filter(|&other| other != id).all(is_up) {
            reload.queue.pop_front();
            return Turn::Begin(id);
        }
        Turn::Wait
    }
}

/// Returns whether a replica has ended, well or not, and does not come back by itself: the others do its work.
fn is_over(state: &State) -> bool {
    matches!(state, State::Failed | State::Completed)
}
