//! A real guard whose engine is the test.
//!
//! The engine program is this test binary, asked to run one test only: `relay`, which sends the
//! guard's socket to the test and lives until the test lets go of it. So the test speaks for the engine,
//! and the engine is a process that can be killed and is started again.

#![expect(clippy::print_stderr, reason = "what is not tested on a machine is said")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests read the clock to limit their waiting, and start a guard"
)]

use std::ffi::CString;
use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use svc::base::{ExitStatus, Invocation, Limit, Shares, Signal};
use svc::guard::GuardLink;
use svc::guard::protocol::{
    Event, Grouping, Groups, Install, Launch, LifeState, Message, Source, Spawn, VERSION,
};
use svc::guard::start::{Start, own_program, start};
use svc::sys::launch::{Child, Launcher, Order, Program};
use svc::sys::{descriptors, process, socket};

/// No wait of these tests is expected to take long; this is when something is wrong.
const LIMIT: Duration = Duration::from_secs(30);
const SOCKET: &str = "SVC_TEST_RELAY";

/// Not a test but the engine of the others: see the module.
#[test]
fn relay() {
    let Some(path) = std::env::var_os(SOCKET) else { return };
    let link = descriptors::take_inherited(3).expect("started by a guard");
    let mut test = UnixStream::connect(path).expect("the test listens");
    let pid = process::own_pid().to_le_bytes();
    socket::send(&test, &pid, &[link.as_fd()]).expect("the test is there");
    let until_the_test_lets_go = test.read(&mut [0]);
    drop((link, until_the_test_lets_go));
}

/// What a life was when a new engine was told of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Launching,
    Running(u32),
    Lingering(ExitStatus),
}

/// What a new engine is told first.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    pub(super) lives: Vec<(u64, Vec<u8>, Told)>,
    pub(super) kept: Vec<(Vec<u8>, OwnedFd)>,
    pub(super) pidfds: Vec<OwnedFd>,
}

pub(super) struct Rig {
    listener: UnixListener,
    pub(super) guard: Child,
    pub(super) link: GuardLink,
    pub(super) takeover: Takeover,
    /// What the guard can do with control groups.
    pub(super) groups: Groups,
    relay: UnixStream,
    pub(super) relay_pid: u32,
    ended: bool,
    pub(super) dir: tempfile::TempDir,
}

/// Who the guard is to be, and how many files it may open.
#[derive(Default)]
pub(super) struct Constraints {
    pub(super) user: Option<u32>,
    pub(super) nofile: Option<u64>,
}

impl Rig {
    /// Starts a guard without control groups.
    pub(super) fn new() -> Self {
        Self::named(None)
    }

    /// Starts a guard that makes control groups under this name; `None` where it cannot.
    pub(super) fn grouped(name: &str) -> Option<Self> {
        let rig = Self::named(Some(name));
        if !rig.groups.leaves {
            eprintln!("not tested here, in {name}: {}", rig.groups.lacking);
        }
        rig.groups.leaves.then_some(rig)
    }

    /// Starts a guard without control groups and, where that can be, one that makes them under this name.
    pub(super) fn both(name: &str) -> Vec<Self> {
        std::iter::once(Self::new()).chain(Self::grouped(name)).collect()
    }

    /// Starts a guard as `svc up` does.
    fn named(groups: Option<&str>) -> Self {
        Self::with(|svc, relay, argv, env| {
            let stderr = std::io::stderr();
            let guard = Start {
                program: svc,
                engine: relay,
                engine_argv: argv,
                env,
                groups,
                passed: &[],
                stdout: None,
                stderr: Some(stderr.as_fd()),
            };
            start(&guard).expect("the guard starts")
        })
    }

    /// Starts a guard with less than `svc up` has itself.
    pub(super) fn constrained(constraints: &Constraints) -> Self {
        Self::with(|svc, relay, engine_argv, env| {
            let null = File::open("/dev/null").expect("a null device");
            let mut argv = vec![c"svc".to_owned(), c"--guard".to_owned(), c"0".to_owned(), c"".to_owned()];
            argv.extend_from_slice(engine_argv);
            let (soft, hard) = process::nofile();
            let stderr = std::io::stderr();
            let order = Order {
                program: Program::File(svc),
                argv: &argv,
                env,
                cwd: Some(c"/"),
                umask: 0o022,
                credentials: constraints.user.map(|user| (user, user, &[][..])),
                limits: &[Limit::descriptors(
                    constraints.nofile.map_or((soft, hard), |limit| (limit, limit)),
                )],
                nice: None,
                group: None,
                session: true,
                own_pid: &[],
                fds: &[(0, null.as_fd()), (1, null.as_fd()), (2, stderr.as_fd()), (3, relay)],
            };
            Launcher::new().expect("a launcher").launch(&order).expect("the guard starts")
        })
    }

    fn with(start: impl FnOnce(BorrowedFd<'_>, BorrowedFd<'_>, &[CString], &[CString]) -> Child) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).expect("it is ours");
        let path = dir.path().join("relay");
        let listener = UnixListener::bind(&path).expect("a socket");
        std::fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("it is ours");
        let svc = File::open(env!("CARGO_BIN_EXE_svc")).expect("the binary is built");
        let relay = own_program().expect("this is a program");
        let argv = ["it", "guard::rig::relay", "--exact", "--quiet"].map(text);
        let env = [text(&format!("{SOCKET}={}", path.display())), text("PATH=/usr/bin:/bin")];
        let guard = start(svc.as_fd(), relay.as_fd(), &argv, &env);
        let (link, relay, relay_pid) = accept(&listener);
        let mut rig = Self {
            listener,
            guard,
            link,
            takeover: Takeover::default(),
            groups: Groups::default(),
            relay,
            relay_pid,
            ended: false,
            dir,
        };
        rig.hear_the_takeover();
        rig
    }

    /// Kills the engine and becomes the next one.
    pub(super) fn kill_engine(&mut self) {
        assert!(self.link.flush().expect("the guard is there"));
        let engine = process::pidfd(self.relay_pid).expect("the engine runs");
        process::signal(engine, Signal::KILL).expect("it is ours");
        self.replaced();
    }

    /// Kills the guard, and lets its engine go.
    pub(super) fn kill_guard(mut self) {
        self.ended = true;
        process::signal(&self.guard.pidfd, Signal::KILL).expect("it is ours");
        process::reap(self.guard.pid).expect("the guard is ours");
        self.relay.shutdown(std::net::Shutdown::Both).expect("the relay is connected");
    }

    /// Closes the engine's end of the socket without saying goodbye, and becomes the next engine.
    pub(super) fn hang_up(&mut self) {
        self.relay.shutdown(std::net::Shutdown::Both).expect("the relay is connected");
        self.replaced();
    }

    /// Becomes the next engine, which the guard starts because of something this one did.
    pub(super) fn replaced(&mut self) {
        (self.link, self.relay, self.relay_pid) = accept(&self.listener);
        self.hear_the_takeover();
    }

    fn hear_the_takeover(&mut self) {
        self.takeover = Takeover::default();
        let Message::Hello { version: VERSION, groups } = self.message() else { panic!("not a greeting") };
        self.groups = groups;
        loop {
            match self.message() {
                Message::Life { invocation, tag, state } => {
                    let told = match state {
                        LifeState::Launching => Told::Launching,
                        LifeState::Running { pid, pidfd } => {
                            self.takeover.pidfds.push(pidfd.expect("descriptors are left"));
                            Told::Running(pid)
                        }
                        LifeState::Lingering { exit } => Told::Lingering(exit),
                    };
                    self.takeover.lives.push((invocation.0, tag, told));
                }
                Message::Kept { key, fd } => {
                    self.takeover.kept.push((key, fd.expect("descriptors are left")));
                }
                Message::Ready => return,
                other => panic!("{other:?} before the take-over was told"),
            }
        }
    }

    /// The next message of the guard.
    fn message(&mut self) -> Message<OwnedFd> {
        let limit = Instant::now() + LIMIT;
        loop {
            let sent = self.link.flush().expect("the guard is there");
            if let Some(message) = self.link.recv().expect("the guard is there") {
                return message;
            }
            let flags = if sent { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            wait_until(limit, self.link.as_fd(), flags);
        }
    }

    /// The next event with its number.
    pub(super) fn numbered(&mut self) -> (u64, Event<OwnedFd>) {
        match self.message() {
            Message::Event { number, event } => (number, event),
            other => panic!("{other:?} instead of an event"),
        }
    }

    /// The next event.
    pub(super) fn event(&mut self) -> Event<OwnedFd> {
        self.numbered().1
    }

    /// Asks for a launch.
    pub(super) fn ask(&mut self, spawn: Spawn<OwnedFd>) {
        self.link.spawn(spawn).expect("there is room");
        self.link.flush().expect("the guard is there");
    }

    /// Launches a shell with this script and returns its process.
    pub(super) fn shell(&mut self, invocation: u64, script: &str) -> u32 {
        self.ask(shell(invocation, script));
        self.spawned(invocation)
    }

    /// Expects that this life began.
    pub(super) fn spawned(&mut self, expected: u64) -> u32 {
        match self.event() {
            Event::Spawned { invocation: Invocation(number), pid, pidfd: Some(_) } if number == expected => {
                pid
            }
            other => panic!("{other:?} instead of the launch of {expected}"),
        }
    }

    /// Expects that this life ended.
    pub(super) fn exited(&mut self, expected: u64) -> (ExitStatus, bool) {
        match self.event() {
            Event::Exited { invocation: Invocation(number), exit, stragglers } if number == expected => {
                (exit, stragglers)
            }
            other => panic!("{other:?} instead of the end of {expected}"),
        }
    }

    /// Says goodbye and returns the guard's exit code.
    pub(super) fn goodbye(mut self, code: u8) -> ExitStatus {
        self.end(code)
    }

    fn end(&mut self, code: u8) -> ExitStatus {
        self.ended = true;
        self.link.goodbye(code).expect("there is room");
        while !self.link.flush().expect("the guard is there") {
            wait_until(Instant::now() + LIMIT, self.link.as_fd(), PollFlags::OUT);
        }
        self.relay.shutdown(std::net::Shutdown::Both).expect("the relay is connected");
        wait_until(Instant::now() + LIMIT, self.guard.pidfd.as_fd(), PollFlags::IN);
        process::reap(self.guard.pid).expect("the guard is ours")
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if !self.ended {
            if std::thread::panicking() {
                let _best_effort = self.link.goodbye(0).and_then(|()| self.link.flush());
            } else {
                self.end(0);
            }
        }
    }
}

fn accept(listener: &UnixListener) -> (GuardLink, UnixStream, u32) {
    wait_until(Instant::now() + LIMIT, listener.as_fd(), PollFlags::IN);
    let (relay, _) = listener.accept().expect("a relay connects");
    let mut pid = [0; 4];
    let received = socket::receive(&relay, &mut pid).expect("it sends the guard's socket");
    let link = received.fds.into_iter().next().expect("it sends the guard's socket");
    (GuardLink::from_fd(link).expect("a socket"), relay, u32::from_le_bytes(pid))
}

/// Waits for a descriptor; fails when the limit is over.
pub(super) fn wait_until(limit: Instant, fd: BorrowedFd<'_>, flags: PollFlags) {
    let left = limit.saturating_duration_since(Instant::now());
    let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
    let mut fds = [PollFd::from_borrowed_fd(fd, flags)];
    let ready = rustix::event::poll(&mut fds, Some(&left)).expect("poll works");
    assert!(ready > 0, "nothing happened in {LIMIT:?}");
}

/// Waits until a process has ended.
pub(super) fn wait_for_end(pidfd: impl AsFd) {
    wait_until(Instant::now() + LIMIT, pidfd.as_fd(), PollFlags::IN);
}

/// Reads until every writer has closed.
pub(super) fn read_all(pipe: OwnedFd) -> String {
    let mut pipe = File::from(pipe);
    let mut text = Vec::new();
    let limit = Instant::now() + LIMIT;
    loop {
        wait_until(limit, pipe.as_fd(), PollFlags::IN);
        let mut buffer = [0; 4096];
        match pipe.read(&mut buffer).expect("a pipe") {
            0 => return String::from_utf8(text).expect("text"),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Reads one line.
pub(super) fn read_line(pipe: &mut File) -> String {
    let mut line = Vec::new();
    let limit = Instant::now() + LIMIT;
    loop {
        wait_until(limit, pipe.as_fd(), PollFlags::IN);
        let mut byte = [0];
        match pipe.read(&mut byte).expect("a pipe") {
            1 if byte[0] != b'\n' => line.push(byte[0]),
            _ => return String::from_utf8(line).expect("text"),
        }
    }
}

/// Writes to a pipe that has room.
pub(super) fn write_line(pipe: &mut File) {
    pipe.write_all(b"\n").expect("a pipe with room");
}

pub(super) fn text(words: &str) -> CString {
    CString::new(words).expect("no NUL")
}

/// A launch of a shell.
pub(super) fn shell(invocation: u64, script: &str) -> Spawn<OwnedFd> {
    let launch = Launch {
        program: text("sh"),
        argv: ["sh", "-c", script].map(text).to_vec(),
        env: vec![text("PATH=/usr/bin:/bin")],
        session: true,
        ..Launch::default()
    };
    Spawn {
        invocation: Invocation(invocation),
        tag: format!("tag {invocation}").into_bytes(),
        launch,
        grouping: Grouping::Own { name: b"shell".to_vec(), shares: Shares::default() },
        fds: vec![],
    }
}

/// Adds a pipe from a launch's stdout; returns the end to read.
pub(super) fn with_stdout(spawn: &mut Spawn<OwnedFd>) -> OwnedFd {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    spawn.fds.push(Install { target: 1, source: Source::Passed(Some(write)) });
    read
}

/// Adds a pipe to a launch's stdin; returns the end to write.
pub(super) fn with_stdin(spawn: &mut Spawn<OwnedFd>) -> File {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    spawn.fds.push(Install { target: 0, source: Source::Passed(Some(read)) });
    write.into()
}
