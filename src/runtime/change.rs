//! Another plan in force, on the machine's side.
//!
//! What a plan was made from is on disk before the engine is told of it, and takes the place of the old
//! record when the plan does. An engine that is killed in between goes on with the plan that was in force.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use crate::engine::{Command, Event, NewPlan};
use crate::graph::plan::Wiring;
use crate::graph::{Change, InstanceId, Plan};
use crate::logs::Channel;
use crate::runtime::driver::Driver;
use crate::runtime::handle::{Accepted, Happening};
use crate::runtime::launch::{log_key, log_settings, notify_key, ready_key, shares};
use crate::runtime::private;
use crate::runtime::proposal::{Proposal, Wanted};
use crate::runtime::slot::{Slot, SlotKey};

/// The plans besides the one in force.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// The plan that is being applied; its record lies beside the record in force.
    next: Option<Version>,
    /// The plan before the one in force.
    before: Option<Version>,
    /// How many slots there ever were.
    slots: u64,
}

/// A plan and what it was made from.
#[derive(Debug)]
struct Version {
    plan: Arc<Plan>,
    fingerprint: u64,
}

impl Driver {
    /// Takes a plan that is to be put in force.
    ///
    /// # Errors
    ///
    /// When its record cannot be written; nothing changes then.
    pub(crate) fn apply(
        &mut self,
        proposal: Proposal,
        start: Vec<InstanceId>,
        rollback: bool,
    ) -> io::Result<Accepted> {
        let Proposal { plan, record, fingerprint } = proposal;
        private::write(&self.project.record_next(), &record)?;
        self.versions.next = Some(Version { plan: Arc::clone(&plan), fingerprint });
        let request = self.number();
        let command = Command::Apply(Arc::new(NewPlan { plan, start, rollback }));
        self.pending.push_back(Event::Command { request, command });
        Ok(Accepted { request, sequence: self.sequence })
    }

    /// Applies the service file because of a signal; what is wrong goes to svc's own log.
    pub(crate) fn apply_file(&mut self) {
        let applied = Proposal::read(&self.project, &Wanted::default());
        let applied = applied.map_err(|error| error.to_string()).and_then(|proposal| {
            let change = Change::between(&self.plan, &proposal.plan);
            let start = change.added(&proposal.plan);
            self.apply(proposal, start, true).map_err(|error| error.to_string())
        });
        if let Err(error) = applied {
            // Stderr is svc's own log; when that cannot be written, nobody can be told.
            let _ = writeln!(io::stderr(), "svc: cannot apply the service file: {error}");
        }
    }

    /// Another plan is in force: everything that is kept by place finds its new one.
    ///
    /// # Errors
    ///
    /// When the record of the plan cannot be put in its place.
    pub(crate) fn plan_changed(&mut self, plan: Arc<Plan>, change: &Arc<Change>) -> io::Result<()> {
        self.change_record(&plan)?;
        let old = std::mem::replace(&mut self.plan, plan);
        let mut slots: Vec<Option<Slot>> = self.plan.instances.iter().map(|_| None).collect();
        for (was, slot) in (0..).map(InstanceId).zip(std::mem::take(&mut self.slots)) {
            match change.after[was.0 as usize] {
                Some(id) => slots[id.0 as usize] = Some(slot),
                None => self.forget(&old.instance(was).name, slot),
            }
        }
        self.versions.slots = self.versions.slots.max(old.instances.len() as u64);
        let fresh = &mut self.versions.slots;
        let new = |slot: Option<Slot>| {
            slot.unwrap_or_else(|| {
                *fresh += 1;
                Slot::new(SlotKey(*fresh))
            })
        };
        self.slots = slots.into_iter().map(new).collect();
        self.places = self.slots.iter().zip(0..).map(|(slot, at)| (slot.key, InstanceId(at))).collect();
        self.lives.follow(change);
        self.follow_logs();
        self.watch_files();
        self.follow_shares(&old, change);
        let gone = old.instances.iter().zip(&change.after).filter(|(_, after)| after.is_none());
        let removed = gone.map(|(instance, _)| instance.name.to_string()).collect();
        self.publish(Happening::PlanChanged { change: Arc::clone(change), removed });
        Ok(())
    }

    /// Puts the record of the plan that is now in force in its place, and keeps the one before.
    fn change_record(&mut self, plan: &Arc<Plan>) -> io::Result<()> {
        let record = self.project.record();
        let (next, before) = (self.project.record_next(), self.project.record_before());
        let is = |version: &Option<Version>| version.as_ref().is_some_and(|v| Arc::ptr_eq(&v.plan, plan));
        let version = if is(&self.versions.next) {
            fs::copy(&record, &before)?;
            fs::rename(&next, &record)?;
            self.versions.next.take()
        } else if is(&self.versions.before) {
            fs::rename(&before, &record)?;
            self.versions.before.take()
        } else {
            None
        };
        let Some(version) = version else {
            return Err(io::Error::other("nobody knows what the plan in force was made from"));
        };
        let fingerprint = std::mem::replace(&mut self.fingerprint, version.fingerprint);
        self.versions.before = Some(Version { plan: Arc::clone(&self.plan), fingerprint });
        Ok(())
    }

    /// Lets go of everything that belonged to an instance.
    fn forget(&mut self, name: &str, slot: Slot) {
        self.watches.set(slot.key, None, None, self.clock.now());
        for channel in Channel::BOTH {
            if let Some(mut pump) = self.pumps.remove(slot.key.pump(channel)) {
                // Nothing of it runs; what one drain leaves could not be written anyway.
                let _ = pump.drain(self.clock.wall());
                pump.end_line(self.clock.wall());
            }
        }
        for task in [slot.notify_task, slot.ready_task].into_iter().flatten() {
            task.abort();
        }
        let [out, err] = Channel::BOTH.map(|channel| log_key(name, channel));
        for key in [out, err, notify_key(name), ready_key(name)] {
            // A full queue means that the guard has not listened for a long time: it holds a pipe more.
            let _ = self.link.drop_key(&key);
        }
    }

    /// Lets what runs use as much as the new plan says.
    fn follow_shares(&mut self, old: &Plan, change: &Change) {
        for (was, instance) in old.instances() {
            let Some(id) = change.after[was.0 as usize] else { continue };
            let now = shares(&self.plan.instance(id).launch);
            if let (Some(life), true) = (self.slots[id.0 as usize].life, now != shares(&instance.launch)) {
                // A full queue means that the guard has not listened for a long time; the next life has them.
                let _ = self.link.share(life, now);
            }
        }
    }

    /// Lets the logs follow changed settings.
    fn follow_logs(&mut self) {
        for (instance, slot) in self.plan.instances.iter().zip(&self.slots) {
            let wiring = instance.launch.logs.wiring();
            // What goes another way does so from the next launch on.
            if wiring != slot.wiring {
                continue;
            }
            for channel in Channel::BOTH {
                let settings = log_settings(&instance.launch, &instance.name, &self.state_dir, channel);
                if let (Some(pump), Some(settings)) = (self.pumps.get_mut(slot.key.pump(channel)), settings) {
                    pump.set(settings);
                }
            }
            if wiring == Some(Wiring::Joined) {
                let [out, err] = Channel::BOTH.map(|channel| slot.key.pump(channel));
                let shared = self.pumps.get_mut(out).and_then(|pump| pump.shared());
                if let (Some(pump), Some(shared)) = (self.pumps.get_mut(err), shared) {
                    pump.join(shared);
                }
            }
        }
    }
}
