//! What the engine is told.

use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;

use crate::base::{ExitStatus, Invocation, SpawnFailure};
use crate::graph::{InstanceId, Plan};
use crate::probe::{Class, Outcome};

/// A request of an operator; each ends exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A fact the engine is told, one at a time.
#[derive(Clone, Debug)]
pub enum Event {
    /// An operator asks for something.
    Command {
        /// The number the answer will carry.
        request: RequestId,
        /// What is asked for.
        command: Command,
    },
    /// A launch succeeded: the program is executing.
    Spawned {
        /// The life that began.
        invocation: Invocation,
    },
    /// A launch failed before the program's first instruction.
    SpawnFailed {
        /// The life that did not begin.
        invocation: Invocation,
        /// Why.
        failure: SpawnFailure,
    },
    /// The main process ended.
    Exited {
        /// The life that ended.
        invocation: Invocation,
        /// How.
        exit: ExitStatus,
        /// Whether processes it left behind still run; `Emptied` follows when they are gone.
        stragglers: bool,
    },
    /// The last process that an ended life left behind is gone.
    Emptied {
        /// The life.
        invocation: Invocation,
    },
    /// The service announced that it is ready: `READY=1`, a line on its descriptor, a line in its log.
    Ready {
        /// The life that said so.
        invocation: Invocation,
    },
    /// The service asked for more time to start or stop (`EXTEND_TIMEOUT_USEC`), counted from now.
    ExtendTimeout {
        /// The life that asked.
        invocation: Invocation,
        /// How long from now.
        by: Duration,
    },
    /// The service announced that it is about to end (`STOPPING=1`).
    Stopping {
        /// The life that said so.
        invocation: Invocation,
    },
    /// The service described how it is (`STATUS=`).
    Status {
        /// The life that said so.
        invocation: Invocation,
        /// Its words.
        text: String,
    },
    /// An attempt of a probe ended.
    ProbeFinished {
        /// The life it was asked about.
        invocation: Invocation,
        /// Which probe.
        class: Class,
        /// How it ended; a timeout is a failure.
        outcome: Outcome,
    },
    /// The stop command ended, or could not be run.
    StopCommandFinished {
        /// The life it was to stop.
        invocation: Invocation,
    },
    /// A life was told to read its configuration again, or could not be told.
    ReloadFinished {
        /// Which life.
        invocation: Invocation,
        /// Why it could not be told; `None` once the signal was sent, or the command has succeeded.
        failure: Option<String>,
    },
    /// Files that an instance watches have changed, and it has been quiet since.
    FilesChanged {
        /// Whose.
        instance: InstanceId,
        /// What changed first, in words for people.
        path: Arc<str>,
    },
    /// The wall clock was set, or the machine has slept; told first of all, too. Schedules go by it.
    Clock {
        /// What it shows now, in the machine's time zone.
        shows: Zoned,
    },
    /// Nothing but time has passed.
    Tick,
}

/// What an operator asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Start these, with what they depend on unless that is left out.
    Start {
        /// What is asked for.
        instances: Vec<InstanceId>,
        /// Leave dependencies alone and do not wait for them.
        no_deps: bool,
    },
    /// The same, and scheduled tasks among these run at once.
    Run {
        /// What is asked for.
        instances: Vec<InstanceId>,
        /// Leave dependencies alone and do not wait for them.
        no_deps: bool,
    },
    /// Stop these and what depends on them, then what only they held.
    Stop {
        /// What is to stop.
        instances: Vec<InstanceId>,
        /// Leave dependents alone.
        no_deps: bool,
    },
    /// Stop and start these and their required dependents, each exactly once.
    Restart {
        /// What is to restart.
        instances: Vec<InstanceId>,
        /// Leave dependents alone.
        no_deps: bool,
    },
    /// Have configurations read again.
    Reload {
        /// What can be told.
        told: Vec<InstanceId>,
        /// What is replaced instead: one after the other, each when the one before has come up.
        rolled: Vec<InstanceId>,
    },
    /// Put another plan in force; ends once all it started anew is up, or was taken back.
    Apply(Arc<NewPlan>),
    /// Stop everything in reverse order, then end. A second one skips what is left of the grace periods.
    Shutdown {
        /// Kill at once, without order or grace.
        kill: bool,
    },
}

/// A plan that is to take the place of the one in force.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What is asked for under it, besides what is up or asked for already.
    pub start: Vec<InstanceId>,
    /// Whether the plan before is put in force again when something this one started, or had to make
    /// anew, does not come up at its first attempt.
    pub rollback: bool,
}
