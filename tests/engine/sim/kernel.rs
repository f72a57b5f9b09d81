//! The virtual machine: processes that obey, sulk, dawdle and die as the seed says.

use std::collections::BTreeMap;
use std::time::Duration;

use svc::base::{ExitStatus, Invocation, Moment, Signal, SpawnFailure, Stage};
use svc::engine::{Event, Scope};
use svc::graph::InstanceId;
use svc::probe::{Class, Outcome};

/// A process the kernel knows of.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) instance: InstanceId,
    /// Whether the main process runs.
    pub(super) main: bool,
    /// How many it would leave behind.
    pub(super) others: u32,
    /// Whether it ignores every signal but `SIGKILL`.
    deaf: bool,
    /// Whether its probes pass.
    healthy: bool,
}

/// The virtual machine.
pub(super) struct Kernel {
    pub(super) random: fastrand::Rng,
    pub(super) processes: BTreeMap<Invocation, Process>,
    /// What will happen and when; the number keeps the order of what happens at once.
    pub(super) future: BTreeMap<(Moment, u64), Event>,
    next: u64,
    /// Nothing fails any more.
    pub(super) benign: bool,
}

impl Kernel {
    pub(super) fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed ^ 0x5eed);
        Self { random, processes: BTreeMap::new(), future: BTreeMap::new(), next: 0, benign: false }
    }

    /// Says yes once in `n`, never on a benign machine.
    fn mishap(&mut self, n: u32) -> bool {
        let drawn = self.random.u32(0..n) == 0;
        drawn && !self.benign
    }

    fn soon(&mut self, ms: u64) -> Duration {
        Duration::from_millis(self.random.u64(0..=ms))
    }

    fn will(&mut self, at: Moment, event: Event) {
        self.next += 1;
        self.future.insert((at, self.next), event);
    }

    /// Makes a process, after a while; or does not.
    pub(super) fn launch(&mut self, now: Moment, instance: InstanceId, invocation: Invocation, task: bool) {
        let at = now + self.soon(50);
        if self.mishap(6) {
            let stage = Stage::ALL[self.random.usize(0..Stage::ALL.len())];
            self.will(at, Event::SpawnFailed { invocation, failure: SpawnFailure { stage, errno: 2 } });
            return;
        }
        let others = if self.mishap(4) { 2 } else { 0 };
        let (deaf, healthy) = (self.mishap(5), !self.mishap(4));
        self.processes.insert(invocation, Process { instance, main: true, others, deaf, healthy });
        self.will(at, Event::Spawned { invocation });
        if !self.mishap(6) {
            let ready = at + self.soon(1_500);
            self.will(ready, Event::Ready { invocation });
            if self.mishap(3) {
                let again = ready + self.soon(5_000);
                self.will(again, Event::Ready { invocation });
            }
        }
        if task || self.mishap(3) {
            let code = if self.mishap(2) { 1 } else { 0 };
            let end = at + self.soon(4_000);
            let exit = match self.mishap(9) {
                true => ExitStatus::OutOfMemory { limit: None },
                false => ExitStatus::Code(code),
            };
            self.will(end, Event::Exited { invocation, exit, stragglers: false });
        }
        if self.mishap(8) {
            let end = at + self.soon(3_000);
            self.will(end, Event::Stopping { invocation });
        }
    }

    pub(super) fn signal(&mut self, now: Moment, invocation: Invocation, signal: Signal, scope: Scope) {
        let kill = signal == Signal::KILL;
        let Some(process) = self.processes.get(&invocation).cloned() else { return };
        if process.main && (kill || !process.deaf) {
            let at = now + self.soon(if kill { 5 } else { 800 });
            let exit = ExitStatus::Signal(signal);
            self.will(at, Event::Exited { invocation, exit, stragglers: false });
        }
        if process.others > 0 && scope == Scope::Everything && (kill || !process.deaf) {
            if process.main {
                self.processes.get_mut(&invocation).expect("it was found").others = 0;
            } else {
                let at = now + self.soon(5);
                self.will(at, Event::Emptied { invocation });
            }
        }
    }

    pub(super) fn probe(&mut self, now: Moment, invocation: Invocation, class: Class) {
        let healthy = self.processes.get(&invocation).is_some_and(|process| process.healthy);
        let passed = self.benign || (healthy && !self.mishap(8));
        let at = now + self.soon(1_000);
        let detail = if passed { "yes" } else { "no" }.to_owned();
        self.will(at, Event::ProbeFinished { invocation, class, outcome: Outcome { passed, detail } });
    }

    pub(super) fn stop_command(&mut self, now: Moment, invocation: Invocation) {
        if !self.mishap(4) {
            let at = now + self.soon(500);
            self.will(at, Event::StopCommandFinished { invocation });
        }
    }

    pub(super) fn reload(&mut self, now: Moment, invocation: Invocation) {
        let failure = self.mishap(6).then(|| "no".to_owned());
        let at = now + self.soon(500);
        self.will(at, Event::ReloadFinished { invocation, failure });
    }

    /// Takes the next thing that happens; processes that are gone cannot end again.
    pub(super) fn next(&mut self) -> Option<(Moment, Event)> {
        let ((at, _), mut event) = self.future.pop_first()?;
        match &mut event {
            Event::Exited { invocation, stragglers, .. } => match self.processes.get_mut(invocation) {
                Some(process) if process.main => {
                    process.main = false;
                    *stragglers = process.others > 0;
                    if !*stragglers {
                        self.processes.remove(invocation);
                    }
                }
                _ => return Some((at, Event::Tick)),
            },
            Event::Emptied { invocation } => match self.processes.get(invocation) {
                Some(process) if !process.main => {
                    self.processes.remove(invocation);
                }
                _ => return Some((at, Event::Tick)),
            },
            _ => {}
        }
        Some((at, event))
    }
}
