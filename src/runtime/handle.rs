//! The door to a running engine, for whoever serves operators.
//!
//! A [`Handle`] is cheap to clone. Every question is a message to the driver, which owns all state;
//! notices are broadcast, and a subscriber that does not keep up is told how many it missed.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::base::Signal;
use crate::engine::action::{RequestResult, Scope, Transition};
use crate::engine::event::{Command, RequestId};
use crate::engine::run::Run;
use crate::engine::view::View;
use crate::graph::{Change, InstanceId, Plan};
pub use crate::guard::protocol::Groups;
use crate::probe::{Class, Outcome};
use crate::runtime::proposal::Proposal;

/// How many questions may wait for the driver; past that, those who ask wait.
pub const QUESTIONS: usize = 64;
/// How many notices a slow subscriber may lag behind before it misses some.
pub const NOTICES: usize = 4096;

/// The door to a running engine.
#[derive(Clone, Debug)]
pub struct Handle {
    questions: mpsc::Sender<Question>,
    notices: broadcast::Sender<Arc<Notice>>,
}

/// What the driver is asked.
#[derive(Debug)]
pub enum Question {
    /// Do this.
    Command {
        /// What.
        command: Command,
        /// Takes the number of the request and of the last notice before it.
        reply: oneshot::Sender<Accepted>,
    },
    /// Put another plan in force.
    Apply {
        /// The plan.
        proposal: Proposal,
        /// What is asked for under it, besides what is up already.
        start: Vec<InstanceId>,
        /// Whether it is taken back when something does not come up.
        rollback: bool,
        /// Takes the number of the request and of the last notice before it, or why the plan cannot be
        /// kept.
        reply: oneshot::Sender<std::io::Result<Accepted>>,
    },
    /// Send a signal to those of these that run.
    Signal {
        /// To whom.
        instances: Vec<InstanceId>,
        /// Which.
        signal: Signal,
        /// To which of their processes.
        scope: Scope,
        /// Takes those that ran.
        reply: oneshot::Sender<Vec<InstanceId>>,
    },
    /// Make one attempt of a probe.
    Probe {
        /// Whose.
        instance: InstanceId,
        /// Which.
        class: Class,
        /// Takes what came of it; dropped when there is no such probe, or the instance ended meanwhile.
        reply: oneshot::Sender<Probed>,
    },
    /// How are the processes of this instance made?
    Manner {
        /// Whose.
        instance: InstanceId,
        /// Takes the answer.
        reply: oneshot::Sender<Manner>,
    },
    /// How is everything?
    Overview {
        /// Takes the answer.
        reply: oneshot::Sender<Overview>,
    },
}

/// What came of a probe that an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// How it went.
    pub outcome: Outcome,
    /// What its command wrote: at most the last 4 KiB.
    pub output: String,
}

impl Probed {
    /// Makes the answer of a probe that writes nothing.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self { outcome, output: String::new() }
    }
}

/// What the plan does not tell of how the processes of an instance are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// The complete environment: `NAME=value`.
    pub env: Vec<String>,
    /// User, group and supplementary groups; `None` for svc's own.
    pub identity: Option<(u32, u32, Vec<u32>)>,
}

/// A command that was taken; its end comes as a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The number its end will carry.
    pub request: RequestId,
    /// The last notice given before the command was handled: its own come after this one.
    pub sequence: u64,
}

/// Everything about a project at one instant.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What should run.
    pub plan: Arc<Plan>,
    /// The last notice that is contained in this overview.
    pub sequence: u64,
    /// When supervision of this project began.
    pub since: Timestamp,
    /// The guard's process id.
    pub guard_pid: u32,
    /// The engine's process id.
    pub engine_pid: u32,
    /// A fingerprint of the sources the plan was made from.
    pub fingerprint: u64,
    /// What the guard can do with control groups.
    pub groups: Groups,
    /// Every instance, in the order of the plan.
    pub instances: Vec<Seen>,
}

/// An instance at one instant: what the engine knows, and what only this machine knows.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the engine knows of it.
    pub view: View,
    /// When its present state began.
    pub since: Timestamp,
    /// When the next automatic step falls due (restart, kill, timeout), if one is armed.
    pub due: Option<Timestamp>,
    /// When a scheduled task runs next.
    pub next_run: Option<Timestamp>,
    /// The last runs of a task, the latest at the end.
    pub runs: Vec<SeenRun>,
    /// Its main process.
    pub pid: Option<u32>,
    /// Where its output is kept.
    pub log: Option<PathBuf>,
    /// Where its stderr is kept, if not with the rest.
    pub stderr_log: Option<PathBuf>,
    /// Why not all files are watched that it is to watch.
    pub unwatched: Option<String>,
}

/// A run of a task, and the time it was launched at.
#[derive(Clone, Copy, Debug)]
pub struct SeenRun {
    /// When, by the wall clock as it goes now.
    pub at: Timestamp,
    /// The run.
    pub run: Run,
}

/// Something that happened, for whoever watches.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its number; consecutive, from 1.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The plan whose places are meant.
    pub plan: Arc<Plan>,
    /// What happened.
    pub event: Happening,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Happening {
    /// An instance went from one state to another.
    Transition(Transition),
    /// A request ended.
    RequestEnded {
        /// Which.
        request: RequestId,
        /// How.
        result: RequestResult,
    },
    /// Another plan is in force.
    PlanChanged {
        /// What became of each instance.
        change: Arc<Change>,
        /// The names of those that are gone.
        removed: Vec<String>,
    },
    /// An instance was told to read its configuration again, or could not be told.
    Reloaded {
        /// Which.
        instance: InstanceId,
        /// Why it could not be told.
        failure: Option<String>,
    },
    /// Files that an instance watches have changed.
    FilesChanged {
        /// Whose.
        instance: InstanceId,
        /// What changed first.
        path: String,
    },
    /// Changes of the files lead to nothing any more: each start changed them.
    WatchPaused {
        /// Whose.
        instance: InstanceId,
        /// What changed first, the last time.
        path: String,
    },
    /// Not all files are watched that an instance is to watch.
    Unwatched {
        /// Whose.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
    /// Output of an instance could not be written and was discarded.
    LogGap {
        /// Whose: its name.
        instance: String,
        /// How many bytes so far.
        bytes: u64,
        /// Why.
        reason: String,
    },
    /// Everything is down; svc ends.
    Ended {
        /// The exit code a service's end asked for.
        code: Option<u8>,
    },
}

/// The engine is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has ended")]
pub struct Gone;

impl Handle {
    /// Makes a handle and the ends that the driver keeps.
    pub fn new() -> (Self, mpsc::Receiver<Question>, broadcast::Sender<Arc<Notice>>) {
        let (questions, receiver) = mpsc::channel(QUESTIONS);
        let (notices, _) = broadcast::channel(NOTICES);
        (Self { questions, notices: notices.clone() }, receiver, notices)
    }

    /// Hands a command to the engine.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending.
    pub async fn command(&self, command: Command) -> Result<Accepted, Gone> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Command { command, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Puts another plan in force.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending; inside, that the record of the plan cannot be written.
    pub async fn apply(
        &self,
        proposal: Proposal,
        start: Vec<InstanceId>,
        rollback: bool,
    ) -> Result<std::io::Result<Accepted>, Gone> {
        let (reply, answer) = oneshot::channel();
        let question = Question::Apply { proposal, start, rollback, reply };
        self.questions.send(question).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Sends a signal to those of these that run, and returns them.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending.
    pub async fn signal(
        &self,
        instances: Vec<InstanceId>,
        signal: Signal,
        scope: Scope,
    ) -> Result<Vec<InstanceId>, Gone> {
        let (reply, answer) = oneshot::channel();
        let question = Question::Signal { instances, signal, scope, reply };
        self.questions.send(question).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Makes one attempt of a probe; `None` when there is no such probe, or the instance ended meanwhile.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending.
    pub async fn probe(&self, instance: InstanceId, class: Class) -> Result<Option<Probed>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Probe { instance, class, reply }).await.map_err(|_| Gone)?;
        Ok(answer.await.ok())
    }

    /// Asks how the processes of an instance are made.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending.
    pub async fn manner(&self, instance: InstanceId) -> Result<Manner, Gone> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Manner { instance, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Returns whether every notice given so far has been taken by every subscriber.
    pub fn is_up_to_date(&self) -> bool {
        self.notices.is_empty()
    }

    /// Asks how everything is.
    ///
    /// # Errors
    ///
    /// [`Gone`] when svc is ending.
    pub async fn overview(&self) -> Result<Overview, Gone> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question::Overview { reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Subscribes to everything that happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.notices.subscribe()
    }
}
