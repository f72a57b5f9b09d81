//! What operators ask of an instance beside the engine: a signal, a probe, how its processes are made.
//!
//! None of it changes what svc wants of the instance. What comes of it the engine learns as it learns
//! everything: a process that dies of an operator's signal has ended by a signal svc did not send.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::{Invocation, Signal};
use crate::engine::Event;
use crate::engine::action::Scope;
use crate::graph::InstanceId;
use crate::graph::plan::{Readiness, Reload};
use crate::probe::{Class, Outcome, Probe};
use crate::runtime::driver::Driver;
use crate::runtime::errand::{Errand, Purpose};
use crate::runtime::execute::attempt;
use crate::runtime::handle::{Manner, Probed};
use crate::runtime::launch::Output;

/// Errands about nobody's life: an instance that does not run can be probed too.
const NOBODY: Invocation = Invocation(0);

impl Driver {
    /// Sends a signal to those of these that run, and returns them.
    pub(crate) fn signal_by_hand(
        &mut self,
        instances: &[InstanceId],
        signal: Signal,
        scope: Scope,
    ) -> Vec<InstanceId> {
        let running = |id: &InstanceId| {
            let slot = &self.slots[id.0 as usize];
            // A main process that has ended may have left others.
            slot.life.filter(|_| slot.pid.is_some() || scope != Scope::Main).map(|life| (*id, life))
        };
        let reached: Vec<(InstanceId, Invocation)> = instances.iter().filter_map(running).collect();
        for &(_, life) in &reached {
            self.signal(life, signal, scope);
        }
        reached.into_iter().map(|(id, _)| id).collect()
    }

    /// Tells an instance to read its configuration again; a command may take as long as a start.
    pub(crate) fn reload(&mut self, instance: InstanceId, invocation: Invocation) {
        let launch = Arc::clone(&self.plan.instance(instance).launch);
        let failed = |why: String| Event::ReloadFinished { invocation, failure: Some(why) };
        match launch.extras.as_ref().and_then(|extras| extras.reload.as_ref()) {
            Some(Reload::Signal(signal)) => {
                self.signal(invocation, *signal, Scope::Main);
                self.pending.push_back(Event::ReloadFinished { invocation, failure: None });
            }
            Some(Reload::Command(exec)) => match crate::sys::pipe::service_pipe() {
                Ok((read, both)) => {
                    let limit = self.plan.rules(instance).start_timeout;
                    let errand = Errand {
                        purpose: Purpose::Reload,
                        about: invocation,
                        output: Some(read),
                        timer: None,
                    };
                    self.begin_errand(instance, &exec.argv, Output::Pipe(both), Some(limit), errand);
                }
                Err(error) => self.pending.push_back(failed(error.to_string())),
            },
            None => self.pending.push_back(failed("it does not say how it reloads".to_owned())),
        }
    }

    /// Makes one attempt of a probe for whoever asks; the engine does not hear of it.
    pub(crate) fn probe_by_hand(
        &mut self,
        instance: InstanceId,
        class: Class,
        reply: oneshot::Sender<Probed>,
    ) {
        let launch = Arc::clone(&self.plan.instance(instance).launch);
        let rules = self.plan.rules(instance);
        let (probe, schedule) = match (class, rules.readiness) {
            (Class::Readiness, Readiness::Probed(schedule)) => (&launch.readiness, Some(schedule)),
            (Class::Readiness, Readiness::Started | Readiness::Announced) => (&launch.readiness, None),
            (Class::Startup, _) => (&launch.startup, rules.startup),
            (Class::Liveness, _) => (&launch.liveness, rules.liveness),
        };
        let limit = schedule.map_or(Duration::from_secs(1), |schedule| schedule.timeout);
        match probe {
            Some(Probe::Exec(exec)) => {
                let about = self.slots[instance.0 as usize].life.unwrap_or(NOBODY);
                self.probe_by_command_by_hand(instance, about, exec, limit, reply);
            }
            Some(probe) if is_announced(probe) => {
                // Nobody can be asked; what was announced is what is known.
                let ready = self.engine.view(instance).ready;
                let detail = if ready { "it has announced it" } else { "it has not announced it" };
                let _ = reply.send(Probed::of(Outcome { passed: ready, detail: detail.to_owned() }));
            }
            Some(probe) => {
                let probe = probe.clone();
                self.tasks.spawn_local(async move {
                    let answered = tokio::time::timeout(limit, attempt(&probe)).await;
                    let outcome = answered.unwrap_or_else(|_| Outcome::failed("no answer in time"));
                    // Whoever asked may have gone.
                    let _ = reply.send(Probed::of(outcome));
                });
            }
            None => drop(reply),
        }
    }

    fn probe_by_command_by_hand(
        &mut self,
        instance: InstanceId,
        about: Invocation,
        exec: &crate::probe::Exec,
        limit: Duration,
        reply: oneshot::Sender<Probed>,
    ) {
        match crate::sys::pipe::service_pipe() {
            Ok((read, both)) => {
                let purpose = Purpose::Asked(reply);
                let errand = Errand { purpose, about, output: Some(read), timer: None };
                self.begin_errand(instance, &exec.argv, Output::Pipe(both), Some(limit), errand);
            }
            Err(error) => {
                let _ = reply.send(Probed::of(Outcome::failed(error.to_string())));
            }
        }
    }

    /// Tells how the processes of an instance are made.
    pub(crate) fn manner(&self, instance: InstanceId) -> Manner {
        let launch = &self.plan.instance(instance).launch;
        let identity = self.surroundings.credentials(launch.user.as_ref());
        Manner {
            env: self.surroundings.environment(launch, None),
            identity: identity.map(|who| (who.uid, who.gid, who.groups)),
        }
    }
}

/// Returns whether the service says it by itself, so that nobody asks.
fn is_announced(probe: &Probe) -> bool {
    matches!(probe, Probe::Notify | Probe::Fd(_) | Probe::Log(_))
}
