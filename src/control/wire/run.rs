//! What became of the runs of a task.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::control::wire::Exit;

/// One run of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it was launched.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// What became of it.
    pub result: RunResult,
    /// How its process ended, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
}

/// What became of a run of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// It ended with a code that is a success.
    Succeeded,
    /// It ended otherwise.
    Failed,
    /// It did not end within its `timeout`.
    TimedOut,
    /// Its process could not be started.
    NotStarted,
    /// It was told to end.
    Stopped,
}
