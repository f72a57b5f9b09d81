//! What became of the runs of a task: the last few.

use std::time::Duration;

use crate::base::{ExitStatus, Moment};

/// How many runs of a task are kept.
pub(crate) const HISTORY: usize = 8;

/// One run of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it was launched.
    pub at: Moment,
    /// How long it took, until nothing of it was left.
    pub took: Duration,
    /// How it ended.
    pub end: RunEnd,
}

/// How a run of a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// With a code that is a success.
    Succeeded,
    /// Otherwise, by itself or for a probe.
    Failed(ExitStatus),
    /// It did not end within its `timeout`.
    TimedOut,
    /// Its process could not be started.
    NotStarted,
    /// It was told to.
    Stopped,
}
