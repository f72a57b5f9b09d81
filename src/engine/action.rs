//! What the engine wants done.

use std::sync::Arc;

use crate::base::{ExitStatus, Invocation, Moment, Signal, SpawnFailure};
use crate::engine::event::RequestId;
use crate::graph::{Change, InstanceId, Plan};
use crate::probe::Class;

/// An effect for the runtime to carry out, in order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make the process of an instance; answered by `Spawned` or `SpawnFailed`.
    Launch {
        /// What is launched.
        instance: InstanceId,
        /// The life that is to begin.
        invocation: Invocation,
    },
    /// Send a signal; a process that ends answers with `Exited`.
    Signal {
        /// To which life.
        invocation: Invocation,
        /// Which signal.
        signal: Signal,
        /// To which of its processes.
        scope: Scope,
    },
    /// Run the stop command; answered by `StopCommandFinished`.
    StopCommand {
        /// Whose.
        instance: InstanceId,
        /// The life that is to be stopped.
        invocation: Invocation,
    },
    /// Tell a process to read its configuration again; answered by `ReloadFinished`.
    Reload {
        /// Whose.
        instance: InstanceId,
        /// Its life.
        invocation: Invocation,
    },
    /// Tell people that changes of watched files lead to nothing any more: each start changes them.
    WatchPaused {
        /// Whose.
        instance: InstanceId,
        /// What changed first, the last time.
        path: Arc<str>,
    },
    /// Make one attempt of a probe now; answered by `ProbeFinished`.
    Probe {
        /// Of which instance.
        instance: InstanceId,
        /// The life that is asked about.
        invocation: Invocation,
        /// Which of its probes.
        class: Class,
    },
    /// Tell whoever watches.
    Notice(Transition),
    /// A request has ended.
    RequestEnded {
        /// Which.
        request: RequestId,
        /// How.
        result: RequestResult,
    },
    /// Another plan is in force: every instance in the actions before this one is of the old plan, every
    /// one after it of the new.
    PlanChanged {
        /// The new plan.
        plan: Arc<Plan>,
        /// What became of each instance.
        change: Arc<Change>,
    },
    /// Everything is down after a shutdown: end with this exit code.
    End {
        /// The code for svc to exit with, when a service's end asked for the shutdown.
        code: Option<u8>,
    },
}

/// To which processes of a life a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The main process alone.
    Main,
    /// Its process group.
    Group,
    /// All that it left: its session and whatever descends from it.
    Everything,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestResult {
    /// Everything asked for is in the state asked for.
    Done,
    /// These did not get there.
    Failed(Vec<InstanceId>),
    /// A later request contradicted it.
    Superseded,
    /// The plan it put in force was taken back, because these did not come up under it.
    RolledBack(Vec<Arc<str>>),
}

/// The states of an instance, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
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

impl StateName {
    /// Returns whether it is down and stays so until somebody asks for it or its plan changes.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Inactive | Self::Disabled | Self::Completed | Self::Failed)
    }
}

/// What led to a transition: the end of a chain that goes back to a request, an exit, a probe or a
/// timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing happened yet.
    Initial,
    /// An operator asked for it.
    Request(RequestId),
    /// Its process was started.
    Spawned,
    /// Its process could not be started.
    SpawnFailed(SpawnFailure),
    /// Its process ended.
    Exit(ExitStatus),
    /// It announced it: readiness, or that it is about to end.
    Announced,
    /// A probe's answers.
    Probe {
        /// Which probe.
        class: Class,
        /// What it saw.
        detail: String,
    },
    /// Time ran out.
    Timeout(Limit),
    /// A restart fell due.
    BackoffOver,
    /// The time of its schedule came.
    Due,
    /// Files that it watches have changed.
    Changed {
        /// What changed first.
        path: Arc<str>,
    },
    /// Something it depends on, or that depends on it, changed state.
    Neighbour {
        /// Which.
        instance: InstanceId,
        /// To what.
        state: StateName,
    },
    /// Nothing needs it any more.
    Released,
    /// Something that was asked for depends on it.
    Needed {
        /// What.
        by: InstanceId,
    },
    /// Something it cannot be without was asked to stop or to restart.
    Along {
        /// With what.
        with: InstanceId,
    },
    /// svc itself was started anew and found it so.
    Restored,
    /// The restart policy gave up.
    GaveUp {
        /// How many automatic restarts were made.
        restarts: u32,
        /// How the last life ended.
        last: Option<ExitStatus>,
    },
    /// The end of this instance asked for the project's shutdown.
    Shutdown {
        /// Whose end.
        instance: InstanceId,
    },
}

/// A limit that ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// From launch to ready.
    Start,
    /// Of a task's run.
    Run,
    /// Of waiting for a dependency.
    Dependency,
    /// Of the grace after the stop signal.
    Grace,
}

/// An instance went from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which instance.
    pub instance: InstanceId,
    /// The state it was in.
    pub from: StateName,
    /// The state it is in now.
    pub to: StateName,
    /// What led to it.
    pub cause: Cause,
    /// When.
    pub at: Moment,
}
