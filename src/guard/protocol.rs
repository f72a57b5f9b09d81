//! What the engine and the guard say to each other.
//!
//! A packet of the SEQPACKET socket between them holds one or more messages back to back, so that a
//! thousand launches cost a few system calls. Each message is a length and a body (`codec`);
//! descriptors travel beside the packet and are taken by its messages in order. Both ends are the
//! same program in different years: the guard opens with [`Message::Hello`] and its [`VERSION`].
//!
//! After it the guard describes what it holds *as of the last acknowledged event*
//! ([`Message::Life`], [`Message::Kept`], then [`Message::Ready`]), and goes on with every event since.
//! An engine that replays them knows exactly what its predecessor knew or should have known.

use std::ffi::CString;

use crate::base::{ExitStatus, Invocation, Limit, Shares, Signal, SpawnFailure};

/// The version of this protocol.
pub const VERSION: u16 = 1;

/// The longest tag or key, in bytes.
pub const NAME_MAX: usize = 4096;

/// The most descriptors one message may carry; the kernel takes 253 a packet.
pub const FDS_MAX: usize = 250;

/// What the engine tells the guard. `F` is a descriptor: owned on arrival, anything on departure.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<F> {
    /// Launch a process; answered by [`Event::Spawned`] or [`Event::SpawnFailed`].
    Spawn(Box<Spawn<F>>),
    /// Send a signal; nothing happens when the life is over.
    Signal {
        /// To which life.
        invocation: Invocation,
        /// Which signal.
        signal: Signal,
        /// To which of its processes.
        scope: Scope,
    },
    /// Limit what a running life uses from now on; nothing happens when it is over or has no group of its own.
    Share {
        /// Which life.
        invocation: Invocation,
        /// To what; no limit where there is none.
        shares: Shares,
    },
    /// Hold a descriptor under a key until it is dropped, whatever becomes of the engine. A second
    /// one under the same key replaces the first.
    Keep {
        /// Its name, up to [`NAME_MAX`] bytes.
        key: Vec<u8>,
        /// The descriptor; `None` when it was lost because the guard has no free number. It is then not
        /// kept, and a launch that names it fails.
        fd: Option<F>,
    },
    /// Close what is held under this key; nothing happens when there is none.
    Drop {
        /// Its name.
        key: Vec<u8>,
    },
    /// Every event up to and including this number is known for good and need not be kept.
    Ack {
        /// The number of the last one.
        up_to: u64,
    },
    /// The engine is done: whatever still descends from the guard is killed, and the guard ends.
    Goodbye {
        /// The guard's exit code.
        code: u8,
    },
}

/// What the guard tells the engine.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<F> {
    /// The first message of every connection.
    Hello {
        /// The guard's [`VERSION`].
        version: u16,
        /// What it can do with control groups.
        groups: Groups,
    },
    /// A life the guard holds, as it stood at the last acknowledged event.
    Life {
        /// Which.
        invocation: Invocation,
        /// What the launch was tagged with.
        tag: Vec<u8>,
        /// How far it had come.
        state: LifeState<F>,
    },
    /// A descriptor the guard keeps.
    Kept {
        /// Its name.
        key: Vec<u8>,
        /// A copy of it; `None` when the engine has no free descriptor number.
        fd: Option<F>,
    },
    /// That was all; events follow.
    Ready,
    /// Something happened. Kept and told again to the next engine until it is acknowledged.
    Event {
        /// Counts up by one from 1 over the guard's life.
        number: u64,
        /// What.
        event: Event<F>,
    },
}

/// What a guard can do with control groups: all of it where it was given a part of the tree to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Whether each life has a group of its own.
    pub leaves: bool,
    /// Whether memory can be limited.
    pub memory: bool,
    /// Whether the time of processors can be limited.
    pub cpu: bool,
    /// Whether the number of processes can be limited.
    pub pids: bool,
    /// Why that is not everything; empty when it is.
    pub lacking: String,
    /// How many processes a supervisor that was killed had left, and are gone now.
    pub cleared: u32,
}

/// How far a life had come at the last acknowledged event.
#[derive(Debug, PartialEq, Eq)]
pub enum LifeState<F> {
    /// Asked for; `Spawned` or `SpawnFailed` follows as an event.
    Launching,
    /// Spawned; if it ended since, `Exited` follows as an event.
    Running {
        /// Its process.
        pid: u32,
        /// A handle on it; `None` when the engine has no free descriptor number.
        pidfd: Option<F>,
    },
    /// Its main process ended and left others behind; `Emptied` will follow.
    Lingering {
        /// How it ended.
        exit: ExitStatus,
    },
}

/// Something that happened to a life or to the guard.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<F> {
    /// A launch succeeded: the program is executing.
    Spawned {
        /// The life that began.
        invocation: Invocation,
        /// Its process.
        pid: u32,
        /// A handle on it; `None` when the engine has no free descriptor number.
        pidfd: Option<F>,
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
        /// Whether it left processes behind that still run; `Emptied` follows when they are gone.
        stragglers: bool,
    },
    /// The last process that an ended life left behind is gone.
    Emptied {
        /// The life.
        invocation: Invocation,
    },
    /// Someone sent the guard a signal that is meant for the supervisor as a whole.
    SignalReceived {
        /// Which.
        signal: Signal,
    },
}

/// To which processes of a life a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The main process alone.
    Main,
    /// Its process group.
    Group,
    /// Everything in its control group; without one its session, its process group and whatever descends from
    /// those. `SIGKILL` is repeated until nothing is left, so that a process that forks meanwhile does not get
    /// away.
    Everything,
}

/// A launch.
#[derive(Debug, PartialEq, Eq)]
pub struct Spawn<F> {
    /// The life that is to begin; never used before.
    pub invocation: Invocation,
    /// Bytes for the engine alone, given back on take-over; up to [`NAME_MAX`].
    pub tag: Vec<u8>,
    /// What to execute and how.
    pub launch: Launch,
    /// Which control group it is in, where the guard can make any.
    pub grouping: Grouping,
    /// The child's descriptors. 0, 1 and 2 are `/dev/null` where they are not listed; nothing else is
    /// inherited. The same number twice is refused.
    pub fds: Vec<Install<F>>,
}

/// Which control group a life is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// That of the guard.
    Shared,
    /// One of its own.
    Own {
        /// What people find it by, up to [`NAME_MAX`] bytes; the number of the life is added.
        name: Vec<u8>,
        /// What it may use, of that which the guard can limit.
        shares: Shares,
    },
    /// One of its own under the limits of this life. When that has none, one as by the name `errand`.
    Under(Invocation),
}

/// What to execute and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// The program: a path when it holds a `/`, else looked up in the `PATH` of `env`, as execvp(3)
    /// does. A relative path is meant from `cwd`.
    pub program: CString,
    /// The arguments, starting with the name the program is called by.
    pub argv: Vec<CString>,
    /// The complete environment, `KEY=value` each.
    pub env: Vec<CString>,
    /// The working directory; absent means the guard's, which is `/`.
    pub cwd: Option<CString>,
    /// The file mode creation mask; absent means 022.
    pub umask: Option<u32>,
    /// Who to be; absent means whoever the guard is.
    pub credentials: Option<Credentials>,
    /// Limits, each resource once; without one on descriptors, what the guard was started with.
    pub limits: Vec<Limit>,
    /// The priority for the processor, −20 to 19; absent means the guard's.
    pub nice: Option<i8>,
    /// Whether to start a session; otherwise a process group of its own in the guard's.
    pub session: bool,
    /// Names of variables that hold the number of the process itself, which nobody knows before it is made.
    pub own_pid: Vec<CString>,
}

/// Who a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The supplementary groups, all of them.
    pub groups: Vec<u32>,
}

/// One descriptor of a child.
#[derive(Debug, PartialEq, Eq)]
pub struct Install<F> {
    /// Its number in the child.
    pub target: u16,
    /// What it is.
    pub source: Source<F>,
}

/// Where a child's descriptor comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source<F> {
    /// `/dev/null`, open for reading and writing.
    Null,
    /// This one; `None` when it was lost because the guard has no free number, and the launch fails.
    Passed(Option<F>),
    /// What the guard keeps under this key; without it the launch fails.
    Kept(Vec<u8>),
}
