//! Errands: short commands svc runs on behalf of an instance: exec probes and stop commands.
//!
//! They are made by the guard like everything else, in the instance's environment, and are told
//! from the lives of instances by their numbers. An errand that takes too long is killed with all
//! it started; so is one whose instance is gone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::base::{ExitStatus, Invocation, SpawnFailure};
use crate::engine::Event;
use crate::probe::{Class, Outcome};
use crate::runtime::handle::Probed;

/// Errands are numbered from here; lives never get there.
const FIRST: u64 = 1 << 63;

/// How much of an errand's output is kept, in bytes: `svc why` shows its last line, `svc probe` all of it.
const KEPT_OUTPUT: usize = 4096;

/// What an errand is for.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// An attempt of an exec probe.
    Probe(Class),
    /// An attempt that an operator asked for, who takes the answer.
    Asked(oneshot::Sender<Probed>),
    /// A stop command.
    Stop,
    /// A reload command.
    Reload,
}

/// An errand under way.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) purpose: Purpose,
    /// The life it is about.
    pub(crate) about: Invocation,
    /// Where its output can be read, non-blocking.
    pub(crate) output: Option<OwnedFd>,
    /// Tells the driver when its time is over.
    pub(crate) timer: Option<AbortHandle>,
}

/// All errands under way.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    next: u64,
    under_way: BTreeMap<Invocation, Errand>,
}

impl Errands {
    /// Returns whether a number is an errand's.
    pub(crate) fn is_errand(invocation: Invocation) -> bool {
        invocation.0 >= FIRST
    }

    /// Makes sure that numbers up to this one are not given out again.
    pub(crate) fn skip(&mut self, used: Invocation) {
        self.next = self.next.max(used.0 - FIRST + 1);
    }

    /// Returns a number that was never used.
    pub(crate) fn number(&mut self) -> Invocation {
        self.next += 1;
        Invocation(FIRST + self.next - 1)
    }

    /// Notes an errand.
    pub(crate) fn begin(&mut self, number: Invocation, errand: Errand) {
        self.under_way.insert(number, errand);
    }

    /// Takes an errand out, whatever became of it.
    pub(crate) fn end(&mut self, number: Invocation) -> Option<Errand> {
        let errand = self.under_way.remove(&number)?;
        if let Some(timer) = &errand.timer {
            timer.abort();
        }
        Some(errand)
    }

    /// Takes out every errand about a life that is over, and returns their numbers.
    pub(crate) fn forsake(&mut self, about: Invocation) -> Vec<Invocation> {
        let numbers: Vec<Invocation> =
            self.under_way.iter().filter(|(_, errand)| errand.about == about).map(|(&n, _)| n).collect();
        for &number in &numbers {
            self.end(number);
        }
        numbers
    }
}

impl Errand {
    /// Returns what the engine is told when the errand's process has ended.
    pub(crate) fn exited(self, exit: ExitStatus) -> Option<Event> {
        let passed = exit.is_success();
        let output = self.output.map(read).unwrap_or_default();
        let said = last_line(&output);
        let detail = match (passed, said.is_empty()) {
            (true, true) => "passed".to_owned(),
            (true, false) => said,
            (false, true) => exit.to_string(),
            (false, false) => format!("{exit}: {said}"),
        };
        told(self.purpose, self.about, Outcome { passed, detail }, output)
    }

    /// Returns what the engine is told when the errand could not be started.
    pub(crate) fn failed(self, failure: SpawnFailure) -> Option<Event> {
        told(self.purpose, self.about, Outcome::failed(failure.to_string()), String::new())
    }

    /// Returns what the engine is told when the errand took too long.
    pub(crate) fn timed_out(self) -> Option<Event> {
        let output = self.output.map(read).unwrap_or_default();
        told(self.purpose, self.about, Outcome::failed("no answer in time"), output)
    }
}

/// Tells who waits for it; returns the event when that is the engine.
fn told(purpose: Purpose, about: Invocation, outcome: Outcome, output: String) -> Option<Event> {
    match purpose {
        Purpose::Probe(class) => Some(Event::ProbeFinished { invocation: about, class, outcome }),
        Purpose::Stop => Some(Event::StopCommandFinished { invocation: about }),
        Purpose::Reload => {
            let failure = (!outcome.passed).then_some(outcome.detail);
            Some(Event::ReloadFinished { invocation: about, failure })
        }
        Purpose::Asked(reply) => {
            // Whoever asked may have gone.
            let _ = reply.send(Probed { outcome, output });
            None
        }
    }
}

/// Reads the end of what lies in the pipe.
fn read(pipe: OwnedFd) -> String {
    let mut buffer = [0; KEPT_OUTPUT];
    let mut pipe = File::from(pipe);
    let mut text = Vec::new();
    // The pipe is non-blocking: what somebody else may still write is not waited for. It holds 64 KiB.
    for _ in 0..16 {
        match pipe.read(&mut buffer) {
            Ok(length) if length > 0 => text.extend_from_slice(&buffer[..length]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text[text.len().saturating_sub(KEPT_OUTPUT)..]).into_owned()
}

/// Returns the last line that says something.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(output: Option<OwnedFd>) -> Errand {
        Errand { purpose: Purpose::Probe(Class::Readiness), about: Invocation(3), output, timer: None }
    }

    fn outcome(event: Option<Event>) -> Outcome {
        match event.expect("the engine waits for it") {
            Event::ProbeFinished { invocation: Invocation(3), class: Class::Readiness, outcome } => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_probe_command_answers_with_its_exit_code_and_its_last_line() {
        assert_eq!(outcome(probe(None).exited(ExitStatus::Code(0))), Outcome::passed("passed"));
        let (read, write) = crate::sys::pipe::service_pipe().expect("pipe");
        nix::unistd::write(&write, b"first\nno connection\n\n").expect("written");
        let failed = outcome(probe(Some(read)).exited(ExitStatus::Code(2)));
        assert_eq!(failed, Outcome::failed("exit code 2: no connection"));
    }

    #[test]
    fn errands_are_never_mistaken_for_lives_and_end_with_the_life_they_are_about() {
        let mut errands = Errands::default();
        let (a, b) = (errands.number(), errands.number());
        assert!(a != b && Errands::is_errand(a) && !Errands::is_errand(Invocation(7)));
        errands.begin(a, probe(None));
        errands.begin(b, Errand { about: Invocation(4), ..probe(None) });
        assert_eq!(errands.forsake(Invocation(3)), [a]);
        assert!(errands.end(a).is_none() && errands.end(b).is_some());
        errands.skip(Invocation(FIRST + 9));
        assert_eq!(errands.number(), Invocation(FIRST + 10));
    }
}
