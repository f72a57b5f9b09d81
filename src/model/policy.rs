//! The rules a service is supervised by, as values: what the engine works with.
//!
//! Defaults stand in the schema's rows, not here; these types hold what is in force.

use std::time::Duration;

use crate::base::Signal;

/// Whether something should keep running or should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Should keep running.
    Service,
    /// Should end, once per activation.
    Task,
}

impl Kind {
    /// Returns the name of the node that declares one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Task => "task",
        }
    }
}

/// When a process that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartWhen {
    /// Not at all.
    Never,
    /// After a failure: a code outside the success codes, or a signal svc did not send.
    OnFailure,
    /// However it ended.
    Always,
}

/// The restart policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Which ends are followed by a restart.
    pub when: RestartWhen,
    /// How many automatic restarts `window` may hold; `None` for no limit.
    pub max: Option<u32>,
    /// The time `max` counts in.
    pub window: Duration,
}

/// The delay before an automatic restart: `min(limit, first · factor^n) · (1 ± jitter)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The delay before the first restart; zero means at once.
    pub first: Duration,
    /// What each further delay is multiplied with, at least 1.
    pub factor: f64,
    /// The longest delay.
    pub limit: Duration,
    /// How long it has to be ready for the delays to start anew.
    pub reset: Duration,
    /// The share by which a delay varies at random, 0 to 1.
    pub jitter: f64,
}

/// How a process is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The signal that asks it to end.
    pub signal: Signal,
    /// How long it has to end before `SIGKILL`.
    pub grace: Duration,
    /// Whether the signal goes to its whole process group or to the main process alone.
    pub group: bool,
    /// Whether a command is run before the signal is sent.
    pub command: bool,
}

/// What the end of a service or task means for the whole project, once no restart follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    Ignore,
    /// The project is shut down, and its exit code becomes svc's.
    Shutdown,
}

/// The consequences of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnExit {
    /// After a success.
    pub success: Consequence,
    /// After a failure.
    pub failure: Consequence,
}

/// What a failed liveness leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivenessFailure {
    /// The instance is marked unhealthy, nothing else.
    Ignore,
    /// It is stopped and started again; counts as an automatic restart.
    Restart,
    /// It is stopped and counts as failed.
    Stop,
    /// The project is shut down.
    Shutdown,
}

/// What a dependent waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Its process has been started.
    Started,
    /// It is ready: its readiness says so; without a readiness it is started; a task has completed
    /// successfully. The default.
    Ready,
    /// Its readiness probe passed; only for a target that has a readiness.
    Healthy,
    /// The line its `readiness log=` waits for was written.
    LogReady,
    /// The task has ended, whatever its exit code.
    Completed,
    /// The task has ended with a success code.
    CompletedSuccessfully,
}

impl Condition {
    /// Every condition with the word it is written with.
    pub const WORDS: &[(&str, Self)] = &[
        ("started", Self::Started),
        ("ready", Self::Ready),
        ("healthy", Self::Healthy),
        ("log-ready", Self::LogReady),
        ("completed", Self::Completed),
        ("completed-successfully", Self::CompletedSuccessfully),
    ];

    /// Returns the word it is written with.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|&&(_, c)| c == self).expect("WORDS lists every condition").0
    }
}
