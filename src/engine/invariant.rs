//! What must hold after every event; checked in debug builds and in the simulation.

use crate::engine::Engine;
use crate::engine::links;
use crate::engine::state::{State, Step};
use crate::graph::InstanceId;

impl Engine {
    /// Checks every invariant that can be seen from the state alone.
    ///
    /// # Errors
    ///
    /// Names the one that does not hold, and where.
    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        if !self.restless.is_empty() || !self.released.is_empty() || !self.touched.is_empty() {
            return Err("something is left to settle".to_owned());
        }
        let mut holders = vec![0; self.slots.len()];
        for (edge, relation) in self.plan.edges.iter().enumerate() {
            if self.links.held[edge] {
                holders[relation.dependency.0 as usize] += 1;
                if !links::pulls(relation) || !self.slot(relation.dependent).wanted() {
                    return Err(format!("edge {edge} is in force without reason"));
                }
            }
        }
        for id in (0..self.slots.len() as u32).map(InstanceId) {
            self.check_instance(id, holders[id.0 as usize]).map_err(|broken| {
                format!("{}: {broken}: {:?}", self.plan.instance(id).name, self.slot(id))
            })?;
        }
        let lives = self.slots.iter().filter(|slot| slot.state.is_live()).count();
        if lives != self.lives.len() {
            return Err(format!("{lives} instances live, {} lives are known", self.lives.len()));
        }
        for (request, pending) in &self.requests {
            if pending.missing.iter().any(|&id| !self.slot(id).requests.contains(request)) {
                return Err(format!("request {} waits for one that does not know", request.0));
            }
        }
        Ok(())
    }

    fn check_instance(&self, id: InstanceId, holders: u32) -> Result<(), &'static str> {
        let slot = self.slot(id);
        if slot.holders != holders {
            return Err("the count of holders is not the number of edges in force");
        }
        if slot.deadline != slot.next_deadline() {
            return Err("the order of deadlines is not in step");
        }
        if slot.deadline.is_some_and(|at| !self.deadlines.contains(&(at, id))) {
            return Err("a deadline is missing from the order");
        }
        if let Some(life) = slot.state.invocation()
            && self.lives.get(&life) != Some(&id)
        {
            return Err("its life is not known");
        }
        if slot.timetable.is_some() && (!slot.wanted() || self.schedule_of(id).is_none()) {
            return Err("it has a timetable and is not wanted or not scheduled");
        }
        if slot.queued
            && !slot.state.is_live()
            && !matches!(slot.state, State::Waiting { .. } | State::Backoff { .. })
        {
            return Err("a run is put off and none goes on");
        }
        let (wanted, live) = (slot.wanted(), slot.state.is_live());
        match slot.state {
            State::Inactive if wanted => Err("it is wanted and does nothing"),
            State::Scheduled if !wanted || slot.timetable.is_none() => {
                Err("it waits for a time that does not come")
            }
            State::Failed if wanted => Err("it gave up and is wanted"),
            State::Waiting { .. } | State::Backoff { .. } if !wanted => {
                Err("it waits to start and is not wanted")
            }
            State::Waiting { .. } if slot.blocker.is_none() && !slot.parked => Err("it waits for nothing"),
            State::Starting { .. } | State::Up { .. } if slot.has_to_stop() && slot.blocker.is_none() => {
                Err("it has to stop and waits for nothing")
            }
            State::Stopping { step: Step::Command { .. }, exit: Some(_), .. } => {
                Err("it ended and its stop command is waited for")
            }
            _ if slot.bounce.is_some() && !live => Err("it is to come back from a stop and is down"),
            _ => Ok(()),
        }
    }
}
