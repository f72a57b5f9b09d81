//! What the engine wants done.

use crate::base::{Invocation, Signal};
use crate::engine::event::RequestId;
use crate::graph::InstanceId;
use crate::probe::Class;

/// An effect for the runtime to carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Make one attempt of a probe now; answered by `ProbeFinished`.
    Probe {
        /// Of which instance.
        instance: InstanceId,
        /// The life that is asked about.
        invocation: Invocation,
        /// Which of its probes.
        class: Class,
    },
    /// A request has ended.
    RequestEnded {
        /// Which.
        request: RequestId,
        /// How.
        result: RequestResult,
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
}
