//! The states of an instance, each with the data that belongs to it.
//!
//! A deadline is a field of the state that waits for it, so that no timer can outlive its state:
//! leaving the state is what clears it. [`State::deadline`] is a total function of the state.

use std::time::Duration;

use crate::base::{ExitStatus, Invocation, Moment};
use crate::engine::action::{Cause, StateName};
use crate::engine::probing::Probes;

/// How long after a `SIGKILL` another one is sent: a process may have forked between two looks.
pub(crate) const KILL_AGAIN: Duration = Duration::from_secs(2);

/// The state of an instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// Down, and nothing asks for it.
    Inactive,
    /// Wanted up; waits for its gate to open.
    Waiting {
        /// When the wait began: what a dependency's `timeout` counts from.
        since: Moment,
        /// When the next of these timeouts runs out.
        expires: Option<Moment>,
    },
    /// A scheduled task that waits for its time; when that is, its timetable says.
    Scheduled,
    /// A launch was ordered and not answered yet. It has no deadline: the answer always comes, and
    /// until then nothing could be signalled.
    Launching {
        /// The life that is to begin.
        invocation: Invocation,
        /// When the launch was ordered.
        at: Moment,
    },
    /// Its process runs and is not ready yet; a task stays here until it ends.
    Starting {
        /// Its life.
        invocation: Invocation,
        /// When the launch was ordered.
        launched: Moment,
        /// When it has to be ready, or a task to have ended.
        limit: Option<Moment>,
        /// The probes that are asked.
        probes: Probes,
    },
    /// It was ready at least once in this life.
    Up {
        /// Its life.
        invocation: Invocation,
        /// Since when it is ready without a break; `None` while its readiness fails.
        ready_since: Option<Moment>,
        /// Whether its liveness holds.
        alive: bool,
        /// The probes that are asked.
        probes: Probes,
    },
    /// It was told to end, or it ended and left processes behind.
    Stopping {
        /// Its life.
        invocation: Invocation,
        /// How far the stop has come.
        step: Step,
        /// Why it stops.
        reason: Reason,
        /// How the main process ended, once it has.
        exit: Option<ExitStatus>,
        /// Whether the life had been ready.
        was_ready: bool,
    },
    /// It failed and is started again when the delay is over.
    Backoff {
        /// When.
        until: Moment,
    },
    /// A task that ended successfully, or a service that ended as its policy is content with.
    Completed,
    /// It gave up.
    Failed,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The stop command runs; the grace period has begun.
    Command {
        /// When it is killed.
        kill_at: Moment,
    },
    /// The stop signal was sent.
    Signalled {
        /// When it is killed.
        kill_at: Moment,
    },
    /// `SIGKILL` was sent.
    Killed {
        /// When it is sent again.
        again: Moment,
    },
}

/// Why a life is brought to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reason {
    /// It is not wanted up any more, or it is to come back anew.
    Asked,
    /// Its own failure: a limit that ran out, a probe that failed.
    Fault {
        /// The failure.
        cause: Cause,
        /// Whether a restart follows even where the policy says never.
        restart: bool,
    },
    /// Its main process ended by itself; what it left behind is cleared away.
    Ended,
}

impl Step {
    /// Returns when the next step is due.
    pub(crate) const fn due(self) -> Moment {
        match self {
            Self::Command { kill_at } | Self::Signalled { kill_at } => kill_at,
            Self::Killed { again } => again,
        }
    }
}

impl State {
    /// Returns when time alone changes something.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Inactive | Self::Scheduled | Self::Launching { .. } | Self::Completed | Self::Failed => {
                None
            }
            Self::Waiting { expires, .. } => *expires,
            Self::Starting { limit, probes, .. } => earlier(*limit, probes.due()),
            Self::Up { probes, .. } => probes.due(),
            Self::Stopping { step, .. } => Some(step.due()),
            Self::Backoff { until } => Some(*until),
        }
    }

    /// Returns when time brings a step that a person wants to know of: not the next probe.
    pub(crate) fn step_due(&self) -> Option<Moment> {
        match self {
            Self::Starting { limit, .. } => *limit,
            Self::Up { .. } => None,
            _ => self.deadline(),
        }
    }

    /// Returns the life that runs or is about to.
    pub(crate) fn invocation(&self) -> Option<Invocation> {
        match self {
            Self::Launching { invocation, .. }
            | Self::Starting { invocation, .. }
            | Self::Up { invocation, .. }
            | Self::Stopping { invocation, .. } => Some(*invocation),
            Self::Inactive
            | Self::Waiting { .. }
            | Self::Scheduled
            | Self::Backoff { .. }
            | Self::Completed
            | Self::Failed => None,
        }
    }

    /// Returns whether it has a process, or may have one any moment.
    pub(crate) fn is_live(&self) -> bool {
        self.invocation().is_some()
    }

    /// Returns whether it is ready now.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self, Self::Up { ready_since: Some(_), .. })
    }

    /// Returns the name it is shown by; `task` and `disabled` say what the instance is.
    pub(crate) fn name(&self, task: bool, disabled: bool) -> StateName {
        match self {
            Self::Inactive if disabled => StateName::Disabled,
            Self::Inactive => StateName::Inactive,
            Self::Waiting { .. } => StateName::Waiting,
            Self::Scheduled => StateName::Scheduled,
            Self::Starting { .. } if task => StateName::Ready,
            Self::Launching { .. } | Self::Starting { .. } => StateName::Starting,
            Self::Up { ready_since: Some(_), alive: true, .. } => StateName::Ready,
            Self::Up { .. } => StateName::Unhealthy,
            Self::Stopping { .. } => StateName::Stopping,
            Self::Backoff { .. } => StateName::Backoff,
            Self::Completed => StateName::Completed,
            Self::Failed => StateName::Failed,
        }
    }
}

/// Returns the earlier of two moments that may not come.
pub(crate) fn earlier(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
