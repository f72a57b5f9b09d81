//! What goes over the socket: the forms of version 1 of the API.
//!
//! These are nobody else's types: a field is added here on purpose, never because the engine has
//! one more. Within version 1 fields are only added, so readers skip what they do not know. Every
//! top-level object carries its form's name (`"schema": "svc.ps/1"`), times are RFC 3339, durations
//! are in milliseconds, and what is not known is `null`.

mod change;
mod group;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::{ExitStatus, Size};

mod run;
mod state;

pub use change::{Effect, Field, PlanAction, PlanStep, Planned, Proposal, Scaled};
pub use group::{Groups, Unlimited};
pub use run::{Run, RunResult};
pub use state::State;

/// The project that a supervisor runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.project/1")]
pub struct Project {
    /// Its name, as people see it.
    pub project: String,
    /// Its identity on this machine: a folder's name and a fingerprint.
    pub id: String,
    /// The service file.
    pub file: String,
    /// The fingerprint of the sources the plan was made from, in hexadecimal.
    pub fingerprint: String,
    /// The version of svc that runs it.
    pub version: String,
    /// When supervision began.
    pub since: Timestamp,
    /// The guard's process id.
    pub guard_pid: u32,
    /// The engine's process id.
    pub engine_pid: u32,
    /// How many instances it has.
    pub instances: usize,
    /// Where svc's own messages go when it runs detached.
    pub own_log: String,
    /// What it can do with control groups.
    #[serde(default)]
    pub groups: Groups,
    /// The last event that is contained in this answer.
    pub sequence: u64,
}

/// Every instance of a project: what `ps` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.ps/1")]
pub struct Services {
    /// The project's name.
    pub project: String,
    /// The last event that is contained in this answer.
    pub sequence: u64,
    /// What can be done with control groups.
    #[serde(default)]
    pub groups: Groups,
    /// The instances, in the order of the service file.
    pub instances: Vec<Instance>,
}

/// One instance as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name: `api`, or with replicas `api.0`.
    pub name: String,
    /// The service it belongs to.
    pub service: String,
    /// Whether it should keep running or end.
    pub kind: Kind,
    /// What a person wrote about it.
    pub description: Option<String>,
    /// What people sort their services by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Not started unless it is named or something depends on it.
    pub disabled: bool,
    /// The state it is in.
    pub state: State,
    /// Whether dependents may count on it now.
    pub ready: bool,
    /// Whether it should be up.
    pub wanted: bool,
    /// Whether an operator asked for it by name, or for everything.
    pub explicit: bool,
    /// When its state began.
    pub since: Timestamp,
    /// What led to its state.
    pub cause: Cause,
    /// Its main process.
    pub pid: Option<u32>,
    /// The number of the life it is in, or was in last.
    pub invocation: Option<u64>,
    /// How its last process ended.
    pub exit: Option<Exit>,
    /// Automatic restarts since an operator last started it.
    pub restarts: u32,
    /// Failed attempts in a row.
    pub failures_in_a_row: u32,
    /// The next step that time will bring, if one is armed.
    pub due: Option<Due>,
    /// What it waits for: to come up, or to go down.
    pub waits_for: Vec<Wait>,
    /// What the last probe saw.
    pub last_probe: Option<String>,
    /// What the service said of itself last (`STATUS=` of sd_notify).
    pub status: Option<String>,
    /// How long it took from launch to ready, the last time.
    pub took_ms: Option<u64>,
    /// That its service has another number of instances than the service file says (`svc scale`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaled: Option<Scaled>,
    /// Why changes of the files that it watches are not all seen, or lead to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<String>,
    /// Limits of the service file that cannot be enforced here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlimited: Option<Unlimited>,
    /// When a scheduled task runs next.
    #[serde(default)]
    pub next_run: Option<Timestamp>,
    /// The last runs of a task, the latest at the end.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// The ports it was given.
    pub ports: Vec<Port>,
    /// The command line as it was written.
    pub command: String,
    /// Where its output is kept.
    pub log: Option<String>,
    /// Where its stderr is kept, if not with the rest.
    pub stderr_log: Option<String>,
}

/// Whether something should keep running or should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Should keep running.
    Service,
    /// Should end, once per activation.
    Task,
}

/// What led to a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Which kind of cause.
    pub kind: CauseKind,
    /// The cause in words: `exited with code 3`.
    pub text: String,
    /// The request, when one was the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
    /// How the process ended, when that was the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// The other instance, when its change or its need was the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The step that failed, when the process could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The kinds of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// Nothing happened yet.
    Initial,
    /// An operator asked for it.
    Request,
    /// Its process was started.
    Spawned,
    /// Its process could not be started.
    SpawnFailed,
    /// Its process ended.
    Exit,
    /// It announced it.
    Announced,
    /// A probe's answers.
    Probe,
    /// Time ran out.
    Timeout,
    /// A restart fell due.
    BackoffOver,
    /// The time of its schedule came.
    Due,
    /// Files that it watches have changed.
    Changed,
    /// Something it depends on, or that depends on it, changed state.
    Neighbour,
    /// Something that depends on it was asked for.
    Needed,
    /// Something it cannot be without was asked to stop or to restart.
    Along,
    /// svc itself was started anew and found it so.
    Restored,
    /// Nothing needs it any more.
    Released,
    /// The restart policy gave up.
    GaveUp,
    /// The end of an instance asked for the project's shutdown.
    Shutdown,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it: `SIGKILL`.
    Signal(String),
    /// The kernel killed it for want of memory; with the limit of its service in bytes, when it ran into that.
    OutOfMemory(Option<u64>),
    /// Nobody could learn how.
    Unknown(()),
}

/// The step at which a launch failed, and the kernel's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step.
    pub stage: FailureStage,
    /// The kernel's error number.
    pub errno: i32,
}

/// The steps of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureStage {
    /// Opening the log file or making its pipe.
    Log,
    /// Opening the sockets that are passed to it.
    Listen,
    /// Making the child process.
    Fork,
    /// Making its control group, or entering it.
    Cgroup,
    /// Starting a session and process group of its own.
    Session,
    /// Setting resource limits.
    Limits,
    /// Setting the priority for the processor.
    Priority,
    /// Setting supplementary groups and the group.
    Group,
    /// Setting the user.
    User,
    /// Entering the working directory.
    WorkingDirectory,
    /// Arranging the file descriptors.
    Descriptors,
    /// Executing the program.
    Exec,
}

/// A step that time will bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What: `starts again`, `is killed`.
    pub text: String,
}

/// A condition that is not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The instance that is waited for.
    pub instance: String,
    /// The condition as it is written in a service file; `null` for order only.
    pub condition: Option<String>,
    /// In words: `db to be ready`.
    pub text: String,
}

/// A port of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its name; empty for the unnamed one.
    pub name: String,
    /// Its number.
    pub number: u16,
}

/// One service in detail: what `why` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.service/1")]
pub struct Service {
    /// The service's name.
    pub service: String,
    /// The last event that is contained in this answer.
    pub sequence: u64,
    /// Its instances, or the one that was asked for.
    pub instances: Vec<Detail>,
}

/// One instance in detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The instance as it is now.
    #[serde(flatten)]
    pub instance: Instance,
    /// How it came to this, from the root cause to the present.
    pub why: Vec<Step>,
    /// What it depends on.
    pub depends_on: Vec<Dependency>,
    /// What depends on it.
    pub dependents: Vec<Dependency>,
}

/// One step of a causal chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Whose step it is.
    pub instance: String,
    /// When it happened; `null` for what is going to happen or goes on.
    pub at: Option<Timestamp>,
    /// What happened, without the instance's name: `exited with code 3`.
    pub text: String,
}

/// The other end of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The instance at the other end.
    pub instance: String,
    /// The condition as it is written in a service file; `null` for order only.
    pub condition: Option<String>,
    /// Whether the dependent cannot be without it.
    pub required: bool,
    /// The state of the instance at the other end.
    pub state: State,
}

/// What an operator asks for: the body of `POST /v1/commands`.
///
/// Names are those of services, of instances (`api.0`), or `all`: everything for a stop, everything
/// that is not disabled for a start and a restart, everything that runs and has a `reload` for a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Start these, with what they depend on.
    Start {
        /// What.
        names: Vec<String>,
        /// Leave dependencies alone and do not wait for them.
        #[serde(default)]
        no_deps: bool,
    },
    /// The same; scheduled tasks that are named themselves run at once.
    Run {
        /// What.
        names: Vec<String>,
        /// Leave dependencies alone and do not wait for them.
        #[serde(default)]
        no_deps: bool,
    },
    /// Stop these and what depends on them, then what only they held.
    Stop {
        /// What.
        names: Vec<String>,
        /// Leave dependents alone.
        #[serde(default)]
        no_deps: bool,
    },
    /// Stop and start these and their required dependents, each exactly once.
    Restart {
        /// What.
        names: Vec<String>,
        /// Leave dependents alone.
        #[serde(default)]
        no_deps: bool,
    },
    /// Have configurations read again: by the signal or the command of `reload`; replicas of a service without it are
    /// replaced one after the other.
    Reload {
        /// What; `all` means what runs and has a `reload`.
        names: Vec<String>,
    },
    /// Stop everything in reverse order, then end; a second one skips what is left of the grace
    /// periods.
    Shutdown {
        /// Kill at once, without order or grace.
        #[serde(default)]
        kill: bool,
    },
}

/// A signal to be sent: the body of `POST /v1/signals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalOrder {
    /// To whom: names as in a command.
    pub names: Vec<String>,
    /// Which: a name as `SIGHUP` or `hup`, or a number.
    pub signal: String,
    /// To which of their processes.
    #[serde(default)]
    pub to: Whom,
}

/// Which processes of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// Its main process.
    #[default]
    Main,
    /// The process group of its main process.
    Group,
    /// Every process of it.
    Everything,
}

/// To whom a signal was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.signalled/1")]
pub struct Signalled {
    /// The instances it was sent to.
    pub instances: Vec<String>,
    /// Those that do not run.
    pub not_running: Vec<String>,
}

/// Probes to be made at once: the body of `POST /v1/probes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeOrder {
    /// Whose: names as in a command.
    pub names: Vec<String>,
    /// Which; every one they have when absent.
    #[serde(default)]
    pub class: Option<ProbeClass>,
}

/// What a probe is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeClass {
    /// Has a slow starter come up at all?
    Startup,
    /// Can it do its work?
    Readiness,
    /// Is it alive?
    Liveness,
}

/// What came of probes that were asked for; svc draws no conclusion from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.probes/1")]
pub struct Probes {
    /// One attempt each.
    pub probes: Vec<Probed>,
}

/// One attempt of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Whose.
    pub instance: String,
    /// Which.
    pub class: ProbeClass,
    /// What was asked: `tcp 127.0.0.1:80`.
    pub probe: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was seen: `connection refused`.
    pub detail: String,
    /// What its command wrote: at most the last 4 KiB.
    pub output: String,
    /// How long it took.
    pub took_ms: u64,
}

/// How the processes of an instance are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.launch/1")]
pub struct Launch {
    /// Whose.
    pub instance: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The complete environment.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub working_dir: String,
    /// The file mode creation mask; `null` for 022.
    pub umask: Option<u32>,
    /// Whom it runs as; `null` for whoever svc is.
    pub identity: Option<Identity>,
}

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The supplementary groups, all of them.
    pub groups: Vec<u32>,
}

/// A command that was taken; its end comes as an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.accepted/1")]
pub struct Accepted {
    /// The number its end will carry.
    pub request: u64,
    /// The last event before the command was handled; everything after it is its doing or later.
    pub sequence: u64,
    /// The instances that its names mean, in the order of the service file.
    pub instances: Vec<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.event/1")]
pub struct Event {
    /// Its number; consecutive.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// An instance went from one state to another.
    Transition {
        /// Which.
        instance: String,
        /// The state it was in.
        from: State,
        /// The state it is in now.
        to: State,
        /// What led to it.
        cause: Cause,
    },
    /// A request ended.
    RequestEnded {
        /// Which.
        request: u64,
        /// How.
        result: RequestResult,
        /// The instances that are not in the state asked for.
        failed: Vec<String>,
    },
    /// An instance was told to read its configuration again, or could not be told.
    Reloaded {
        /// Which.
        instance: String,
        /// Why it could not be told.
        failure: Option<String>,
    },
    /// Files that an instance watches have changed.
    FilesChanged {
        /// Whose.
        instance: String,
        /// What changed first; below the folder of the service file without that.
        path: String,
    },
    /// Changes of the files that an instance watches are not all seen, or lead to nothing any more.
    Unwatched {
        /// Whose.
        instance: String,
        /// Why.
        reason: String,
    },
    /// Another plan is in force: instances came, went or changed. How everything is now says
    /// `/v1/services`.
    PlanChanged {
        /// What is new.
        added: Vec<String>,
        /// What is gone.
        removed: Vec<String>,
        /// What is another than before.
        changed: Vec<String>,
    },
    /// Output of an instance could not be written and was discarded.
    LogGap {
        /// Whose.
        instance: String,
        /// How many bytes so far.
        bytes: u64,
        /// Why.
        reason: String,
    },
    /// This reader was too slow, or asked for what is no longer kept: events up to this number are
    /// lost to it. How everything is now says `/v1/services`.
    Missed {
        /// How many.
        count: u64,
    },
    /// Everything is down; svc ends. The last event.
    Ended {
        /// The exit code a service's end asked for.
        code: Option<u8>,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestResult {
    /// Everything asked for is in the state asked for.
    Done,
    /// Something did not get there.
    Failed,
    /// A later request contradicted it.
    Superseded,
    /// The plan it put in force was taken back, because something did not come up under it.
    RolledBack,
}

/// What a health check is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The engine answers.
    Alive,
    /// Everything that is wanted is ready. The default.
    #[default]
    Ready,
}

/// The answer to a health check; status 200 when `healthy`, else 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.health/1")]
pub struct Health {
    /// What was asked.
    pub level: Level,
    /// Whether it is so.
    pub healthy: bool,
    /// The instances that are wanted and not ready.
    pub not_ready: Vec<String>,
}

/// Why a request was not carried out: a problem in the sense of RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.problem/1")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs.
    pub code: Code,
    /// What went wrong, for people.
    pub detail: String,
    /// The names nobody has, with those that may have been meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Unknown>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A name that no service and no instance has.
    UnknownService,
    /// A path that leads nowhere.
    UnknownRoute,
    /// The path is right, the method is not.
    MethodNotAllowed,
    /// The body or the query is not what the route takes.
    Malformed,
    /// The body is larger than 64 KiB.
    TooLarge,
    /// The service file makes no plan; `detail` says what is wrong.
    InvalidFile,
    /// The body took too long to arrive.
    TooSlow,
    /// The connection's other end is neither the owner nor root.
    Forbidden,
    /// The events asked for lie in the future.
    UnknownSequence,
    /// A name that has to mean one instance means several.
    Ambiguous,
    /// A service that does not say how it reloads.
    NotReloadable,
    /// As many readers of events as there may be are connected already.
    TooManyReaders,
    /// svc is ending.
    Ending,
}

/// A name nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// The nearest name that somebody has.
    pub nearest: Option<String>,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::OutOfMemory(limit) => {
                let limit = limit.map(Size);
                write!(f, "{}", ExitStatus::OutOfMemory { limit })
            }
            Self::Unknown(()) => f.write_str("ended, nobody knows how"),
        }
    }
}
