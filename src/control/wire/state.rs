//! The states of an instance, by their words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Down, and nothing asks for it.
    Inactive,
    /// Down, and left out of `up` by the service file.
    Disabled,
    /// Wanted up; waits for what it depends on.
    Waiting,
    /// A scheduled task that waits for its time.
    Scheduled,
    /// Its process was launched and is not ready yet.
    Starting,
    /// Up and ready; for a task: its process runs.
    Ready,
    /// Up, and its liveness or readiness fails.
    Unhealthy,
    /// On its way down.
    Stopping,
    /// Waits for its next automatic restart.
    Backoff,
    /// A task that ended successfully, or a service that ended and whose policy is content with that.
    Completed,
    /// Gave up; only an operator's start brings it back.
    Failed,
}

impl State {
    /// Returns the word for it: `ready`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Waiting => "waiting",
            Self::Scheduled => "scheduled",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
