//! Requests of operators: each ends exactly once: done, failed or superseded.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::Invocation;
use crate::engine::Engine;
use crate::engine::action::{Action, RequestResult};
use crate::engine::event::RequestId;
use crate::engine::run::{Run, RunEnd};
use crate::engine::state::State;
use crate::graph::InstanceId;

/// What a request is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Services ready, tasks completed.
    Up,
    /// The same, and the run of a scheduled task has ended.
    Ran,
    /// The same, by lives that begin with this one.
    Again(Invocation),
    /// Nothing of them runs.
    Down,
    /// The end of supervision.
    End,
}

/// A request that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) goal: Goal,
    /// What is not there yet.
    pub(crate) missing: BTreeSet<InstanceId>,
    /// What did not come up under the plan that this request has taken back; nothing for any other.
    undoes: Vec<Arc<str>>,
}

/// How far one instance is from a goal.
enum Progress {
    Reached,
    OnTheWay,
    Failed,
    Contradicted,
}

impl Engine {
    /// Takes a request on; it is answered at the end of this call when there is nothing to wait for.
    pub(crate) fn expect(&mut self, request: RequestId, goal: Goal, instances: Vec<InstanceId>) {
        self.take_on(request, goal, instances, Vec::new());
    }

    /// Waits until everything runs again as it did before these did not come up; the request ends as
    /// rolled back however that goes.
    pub(crate) fn expect_return(
        &mut self,
        request: RequestId,
        instances: Vec<InstanceId>,
        undoes: Vec<Arc<str>>,
    ) {
        self.take_on(request, Goal::Up, instances, undoes);
    }

    fn take_on(&mut self, request: RequestId, goal: Goal, instances: Vec<InstanceId>, undoes: Vec<Arc<str>>) {
        let missing: BTreeSet<InstanceId> = instances.into_iter().collect();
        for &id in &missing {
            self.slot_mut(id).requests.push(request);
            self.touch(id);
        }
        let nothing = missing.is_empty() && goal != Goal::End;
        self.requests.insert(request, Pending { goal, missing, undoes });
        if nothing {
            self.end_request(request, RequestResult::Done);
        }
    }

    /// Ends the requests for any of these whose goal is contradicted.
    pub(crate) fn supersede(&mut self, instances: &[InstanceId], contradicted: impl Fn(Goal) -> bool) {
        let mut over = BTreeSet::new();
        for &id in instances {
            over.extend(self.slot(id).requests.iter().filter(|r| contradicted(self.requests[r].goal)));
        }
        for request in over {
            self.end_request(request, RequestResult::Superseded);
        }
    }

    /// Ends every request whose goal is contradicted.
    pub(crate) fn supersede_all(&mut self, contradicted: impl Fn(Goal) -> bool) {
        let over: Vec<RequestId> =
            self.requests.iter().filter(|(_, pending)| contradicted(pending.goal)).map(|(&r, _)| r).collect();
        for request in over {
            self.end_request(request, RequestResult::Superseded);
        }
    }

    /// Looks at the requests of everything that something happened to in this call.
    pub(crate) fn answer_requests(&mut self) {
        let mut failed = BTreeSet::new();
        for id in std::mem::take(&mut self.touched) {
            self.slot_mut(id).touched = false;
            for request in self.slot(id).requests.clone() {
                match self.progress(self.requests[&request].goal, id) {
                    Progress::OnTheWay => {}
                    Progress::Reached => self.reach(request, id),
                    Progress::Failed => {
                        failed.insert(request);
                    }
                    Progress::Contradicted => self.end_request(request, RequestResult::Superseded),
                }
            }
        }
        for request in failed {
            let Some(pending) = self.requests.get(&request) else { continue };
            let goal = pending.goal;
            let all = pending.missing.iter().copied();
            let all = all.filter(|&id| matches!(self.progress(goal, id), Progress::Failed)).collect();
            self.end_request(request, RequestResult::Failed(all));
        }
    }

    /// Answers the shutdown, and whatever else waits for something to be down.
    pub(crate) fn answer_ended(&mut self) {
        let all: Vec<RequestId> = self.requests.keys().copied().collect();
        for request in all {
            self.end_request(request, RequestResult::Done);
        }
    }

    fn progress(&self, goal: Goal, id: InstanceId) -> Progress {
        let slot = self.slot(id);
        let there = match slot.state {
            State::Completed => self.is_task(id),
            // It is up when its time is waited for, whatever becomes of a run.
            State::Scheduled => true,
            State::Starting { .. } if goal == Goal::Up => self.schedule_of(id).is_some(),
            _ => slot.state.is_ready(),
        };
        match goal {
            Goal::Down if slot.wanted() => Progress::Contradicted,
            Goal::Down if slot.state.is_live() => Progress::OnTheWay,
            Goal::Down => Progress::Reached,
            Goal::End => Progress::OnTheWay,
            Goal::Up | Goal::Ran | Goal::Again(_) if slot.state == State::Failed || slot.doomed.is_some() => {
                Progress::Failed
            }
            Goal::Up | Goal::Ran | Goal::Again(_) if !slot.wanted() => match slot.state {
                State::Completed => Progress::Failed,
                _ => Progress::Contradicted,
            },
            // It was told to run, so this is after that run.
            Goal::Ran | Goal::Again(_) if slot.state == State::Scheduled => match slot.runs.back() {
                Some(Run { end: RunEnd::Succeeded, .. }) => Progress::Reached,
                _ => Progress::Failed,
            },
            Goal::Again(first) if slot.invocation.is_none_or(|last| last < first) => Progress::OnTheWay,
            Goal::Up | Goal::Ran | Goal::Again(_) if there && !slot.has_to_stop() => Progress::Reached,
            Goal::Up | Goal::Ran | Goal::Again(_) => Progress::OnTheWay,
        }
    }

    fn reach(&mut self, request: RequestId, id: InstanceId) {
        self.slot_mut(id).requests.retain(|&r| r != request);
        let Some(pending) = self.requests.get_mut(&request) else { return };
        pending.missing.remove(&id);
        if pending.missing.is_empty() {
            self.end_request(request, RequestResult::Done);
        }
    }

    fn end_request(&mut self, request: RequestId, result: RequestResult) {
        if let Some(pending) = self.requests.remove(&request) {
            for id in pending.missing {
                self.slot_mut(id).requests.retain(|&r| r != request);
            }
            let result = match result {
                RequestResult::Done | RequestResult::Failed(_) if !pending.undoes.is_empty() => {
                    RequestResult::RolledBack(pending.undoes)
                }
                result => result,
            };
            self.actions.push(Action::RequestEnded { request, result });
        }
    }
}
