//! Which instance a life belongs to, and what becomes of lives.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use crate::base::{ExitStatus, Invocation, Signal, SpawnFailure};
use crate::engine::Event;
use crate::graph::{Change, InstanceId};
use crate::guard::protocol::Scope;
use crate::runtime::driver::Driver;
use crate::runtime::errand::Errands;

/// The lives that are not over.
#[derive(Debug, Default)]
pub(crate) struct Lives(BTreeMap<Invocation, InstanceId>);

impl Lives {
    pub(crate) fn begin(&mut self, invocation: Invocation, instance: InstanceId) {
        self.0.insert(invocation, instance);
    }

    fn end(&mut self, invocation: Invocation) -> Option<InstanceId> {
        self.0.remove(&invocation)
    }

    /// Takes another plan's names for the instances.
    pub(crate) fn follow(&mut self, change: &Change) {
        let place = |id: InstanceId| change.after[id.0 as usize];
        let lives = std::mem::take(&mut self.0);
        self.0 = lives.into_iter().filter_map(|(life, id)| Some((life, place(id)?))).collect();
    }

    pub(crate) fn instance(&self, invocation: Invocation) -> Option<InstanceId> {
        self.0.get(&invocation).copied()
    }
}

impl Driver {
    pub(crate) fn life_began(&mut self, invocation: Invocation, pid: u32, pidfd: Option<OwnedFd>) {
        if let Some(instance) = self.lives.instance(invocation) {
            let slot = &mut self.slots[instance.0 as usize];
            slot.pid = Some(pid);
            slot.pidfd = pidfd;
            self.pending.push_back(Event::Spawned { invocation });
        }
    }

    pub(crate) fn life_failed(&mut self, invocation: Invocation, failure: SpawnFailure) {
        if Errands::is_errand(invocation) {
            let errand = self.errands.end(invocation);
            self.pending.extend(errand.and_then(|errand| errand.failed(failure)));
        } else if let Some(instance) = self.lives.end(invocation) {
            self.forget_life(instance);
            self.pending.push_back(Event::SpawnFailed { invocation, failure });
        }
    }

    pub(crate) fn life_ended(&mut self, invocation: Invocation, exit: ExitStatus, stragglers: bool) {
        if Errands::is_errand(invocation) {
            if stragglers {
                self.signal_all(invocation, Signal::KILL);
            }
            let errand = self.errands.end(invocation);
            self.pending.extend(errand.and_then(|errand| errand.exited(exit)));
        } else if let Some(instance) = self.lives.instance(invocation) {
            self.last_words(instance);
            let slot = &mut self.slots[instance.0 as usize];
            slot.pid = None;
            slot.pidfd = None;
            if !stragglers {
                self.lives.end(invocation);
                self.forget_life(instance);
                self.forsake_errands(invocation);
            }
            self.pending.push_back(Event::Exited { invocation, exit, stragglers });
        }
    }

    pub(crate) fn life_emptied(&mut self, invocation: Invocation) {
        if let Some(instance) = self.lives.end(invocation) {
            self.forget_life(instance);
            self.forsake_errands(invocation);
            self.pending.push_back(Event::Emptied { invocation });
        }
    }

    fn forget_life(&mut self, instance: InstanceId) {
        let slot = &mut self.slots[instance.0 as usize];
        slot.life = None;
        if let Some(task) = slot.ready_task.take() {
            task.abort();
        }
    }

    fn forsake_errands(&mut self, about: Invocation) {
        for errand in self.errands.forsake(about) {
            self.signal_all(errand, Signal::KILL);
        }
    }

    pub(crate) fn errand_late(&mut self, errand: Invocation) {
        if let Some(late) = self.errands.end(errand) {
            self.pending.extend(late.timed_out());
            self.signal_all(errand, Signal::KILL);
        }
    }

    pub(crate) fn signal_all(&mut self, invocation: Invocation, signal: Signal) {
        self.send_signal(invocation, signal, Scope::Everything);
    }
}
