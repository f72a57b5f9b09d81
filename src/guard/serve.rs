//! The guard's loop: wait, reap, settle, tell.
//!
//! One thread and one loop. A round reaps every child that ended before it looks at anything else, so
//! that what it decides is decided on what is true, and tells the engine last.

use std::collections::BTreeMap;
use std::ffi::{CString, c_int};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::base::{Invocation, Limit, Resource, Signal, SpawnFailure, Stage};
use crate::guard::census::Census;
use crate::guard::channel::Arrival;
use crate::guard::engine_process::{EngineProcess, Recipe};
use crate::guard::events::Events;
use crate::guard::groups::{Leaf, Tree};
use crate::guard::lives::{Birth, Lives};
use crate::guard::protocol::{Grouping, Install, Launch, Request, Scope, Source, Spawn};
use crate::guard::search;
use crate::sys::launch::{Child, Launcher, Order, Program};
use crate::sys::process::{self, Children};
use crate::sys::signals::Signals;

/// How long until something is tried again that nothing announces.
const AGAIN: Duration = Duration::from_millis(20);
/// How long the guard waits, after goodbye, for the engine to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long the guard waits, after goodbye, for what it killed: a process in a dead file system never goes.
const LAST_WAIT: Duration = Duration::from_secs(10);
/// `EINVAL` and `EBADF` of errno(3), the same on every Linux.
const EINVAL: c_int = 22;
const EBADF: c_int = 9;

/// The guard.
pub(super) struct Guard {
    launcher: Launcher,
    null: OwnedFd,
    signals: Signals,
    /// The limit of open files that services get unless they ask for another.
    nofile: (u64, u64),
    lives: Lives,
    /// Where the control groups of lives are, if they can have any.
    tree: Option<Tree>,
    events: Events,
    kept: BTreeMap<Vec<u8>, OwnedFd>,
    engine: EngineProcess,
    ending: Option<Ending>,
}

/// The engine has said goodbye.
#[derive(Clone, Copy)]
struct Ending {
    code: u8,
    since: Instant,
}

/// What a wait found.
struct Woken {
    by_engine: bool,
    ended: Vec<Invocation>,
}

impl Guard {
    /// Makes this process the guard of an engine it is about to start. Its control groups are found by `groups`.
    ///
    /// # Errors
    /// What the kernel refuses of what a guard needs: signals to read, being the subreaper, `/dev/null`.
    pub(super) fn new(recipe: Recipe, groups: &str) -> io::Result<Self> {
        let signals = Signals::take()?;
        process::become_subreaper()?;
        let nofile = process::raise_nofile().unwrap_or_else(|_| process::nofile());
        let launcher = Launcher::new()?;
        let (tree, groups) = Tree::take(groups);
        Ok(Self {
            null: launcher.null().try_clone_to_owned()?,
            launcher,
            signals,
            nofile,
            lives: Lives::default(),
            tree,
            events: Events::default(),
            kept: BTreeMap::new(),
            engine: EngineProcess::new(recipe, groups, now()),
            ending: None,
        })
    }

    /// Runs until goodbye; returns the code to exit with.
    ///
    /// # Errors
    /// The kernel refuses to wait: nothing that passes by itself.
    pub(super) fn run(&mut self) -> io::Result<u8> {
        loop {
            let children = self.reap()?;
            let mut again = self.lives.settle(&mut self.events, self.null.as_fd());
            if let Some(tree) = &mut self.tree {
                self.lives.tidy(tree);
            }
            if let Some(ending) = self.ending {
                if children == Children::None || now() >= ending.since + LAST_WAIT {
                    return Ok(ending.code);
                }
                self.end(ending);
                again = true;
            }
            self.start_engine();
            match self.engine.tell(&self.lives, &self.kept, &self.events) {
                Ok(all) => again |= !all,
                Err(error) => {
                    // It may have ended since its end was looked for: what it said last is still there, and
                    // goodbye may be among it.
                    self.hear();
                    if self.ending.is_none() {
                        self.abandon_engine(&error);
                    }
                }
            }
            let woken = self.wait(again)?;
            for invocation in woken.ended {
                self.lives.watched_one_ended(invocation);
            }
            self.read_signals()?;
            if woken.by_engine {
                self.hear();
            }
        }
    }

    /// Lets go of what the kernel does not take away with this process.
    pub(super) fn leave(&mut self) {
        if let Some(tree) = &mut self.tree {
            self.lives.tidy(tree);
            tree.leave();
        }
    }

    /// Reaps every child that has ended.
    fn reap(&mut self) -> io::Result<Children> {
        let mut ended = Vec::new();
        let rest = loop {
            match process::peek_ended()? {
                Children::Ended(child) => {
                    process::reap(child.pid)?;
                    if self.engine.pid() == Some(child.pid) {
                        // Its last requests are as good as any; goodbye is one.
                        self.hear();
                        if self.ending.is_none() {
                            say(&format!("the engine ended ({}); starting it again", child.exit));
                        }
                        self.engine.ended(self.ending.is_some(), now());
                    } else {
                        ended.push(child);
                    }
                }
                rest @ (Children::AllRun | Children::None) => break rest,
            }
        };
        self.lives.ended(&ended, &mut self.events, self.null.as_fd());
        Ok(rest)
    }

    fn start_engine(&mut self) {
        let Self { launcher, lives, kept, events, engine, .. } = self;
        if let Err(failure) = engine.start_when_due(launcher, lives, kept, events, now()) {
            say(&format!("cannot start the engine: {failure}"));
        }
    }

    fn abandon_engine(&mut self, reason: &io::Error) {
        say(&format!("cannot talk to the engine: {reason}"));
        self.engine.abandon();
    }

    /// Kills what still descends from the guard, the engine last. As the subreaper of everything it ever
    /// started, a guard without children has left nothing behind.
    fn end(&mut self, ending: Ending) {
        self.engine.give_up_waiting();
        if now() >= ending.since + LAST_WORDS {
            self.engine.abandon();
        }
        let invocations: Vec<Invocation> = self.lives.invocations().collect();
        let mut census = Census::take(process::own_pid()).ok();
        for invocation in invocations {
            self.lives.signal(invocation, Signal::KILL, Scope::Everything, &mut census);
        }
        for seen in census.iter().flat_map(|census| census.descendants_but(self.engine.pid())) {
            if let Some(handle) = seen.open() {
                let _gone_already_is_well = process::signal(handle, Signal::KILL);
            }
        }
    }

    /// Waits until something happens or it is time to try something again.
    fn wait(&self, again: bool) -> io::Result<Woken> {
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let mut watched = Vec::new();
        for (invocation, life) in self.lives.watched() {
            watched.push(invocation);
            fds.push(life.poll_fd());
        }
        if let Some((socket, blocked)) = self.engine.socket() {
            let room = if blocked { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::from_borrowed_fd(socket, PollFlags::IN | room));
        }
        let due = self.engine.due().map(|due| due.saturating_duration_since(now()));
        let limit = due.into_iter().chain(again.then_some(AGAIN)).min();
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        match rustix::event::poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let ended = watched.iter().zip(&fds[1..]).filter(|(_, fd)| ready(fd)).map(|(life, _)| *life);
        let ended = ended.collect();
        let by_engine = fds.get(1 + watched.len()).is_some_and(ready);
        Ok(Woken { by_engine, ended })
    }

    fn read_signals(&mut self) -> io::Result<()> {
        while let Some(signal) = self.signals.next()? {
            if signal != Signal::CHLD {
                self.events.push_signal(signal);
            }
        }
        Ok(())
    }

    /// Does what the engine asks for.
    fn hear(&mut self) {
        loop {
            match self.engine.receive() {
                Ok(Arrival::Messages(requests)) => {
                    let mut census = None;
                    for request in requests {
                        if let Err(error) = self.carry_out(request, &mut census) {
                            return self.abandon_engine(&error);
                        }
                    }
                }
                Ok(Arrival::Nothing) => return,
                Ok(Arrival::Closed) => return self.engine.abandon(),
                Err(error) => return self.abandon_engine(&error),
            }
        }
    }

    /// Carries out one request; the signals of one packet share a look at the machine.
    ///
    /// # Errors
    /// The engine asks for what a sound one never does.
    fn carry_out(&mut self, request: Request<OwnedFd>, census: &mut Option<Census>) -> io::Result<()> {
        match request {
            Request::Spawn(spawn) => {
                if self.lives.contains(spawn.invocation) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                self.spawn(*spawn);
                *census = None;
            }
            Request::Signal { invocation, signal, scope } => {
                self.lives.signal(invocation, signal, scope, census);
            }
            Request::Share { invocation, shares } => {
                if let Some(tree) = &self.tree
                    && let Err(error) = self.lives.share(invocation, shares, tree)
                {
                    say(&format!("cannot change the limits of a service that runs: {error}"));
                }
            }
            Request::Keep { key, fd: Some(fd) } => {
                self.kept.insert(key, fd);
            }
            Request::Keep { key, fd: None } => {
                say("no descriptor left to keep what the engine wants kept");
                self.kept.remove(&key);
            }
            Request::Drop { key } => {
                self.kept.remove(&key);
            }
            Request::Ack { up_to } => {
                while let Some(fact) = self.events.acknowledge(up_to) {
                    self.lives.acknowledged(&fact);
                }
            }
            Request::Goodbye { code } => {
                self.ending.get_or_insert(Ending { code, since: now() });
            }
        }
        Ok(())
    }

    fn spawn(&mut self, spawn: Spawn<OwnedFd>) {
        let Spawn { invocation, tag, launch, grouping, fds } = spawn;
        let under = match grouping {
            Grouping::Under(life) => Some(life),
            Grouping::Own { .. } | Grouping::Shared => None,
        };
        let (launched, leaf) = match self.group(invocation, &grouping) {
            Ok(leaf) => (self.launch(&launch, &fds, leaf.as_ref()), leaf),
            Err(error) => (Err(cgroup(&error)), None),
        };
        self.lives.add(Birth { invocation, tag, launched, leaf, under }, &mut self.events);
    }

    /// Makes the control group of a life that is about to begin.
    fn group(&mut self, invocation: Invocation, grouping: &Grouping) -> io::Result<Option<Leaf>> {
        let Some(tree) = &mut self.tree else { return Ok(None) };
        match grouping {
            Grouping::Shared => Ok(None),
            Grouping::Own { name, shares } => tree.leaf(name, invocation, *shares).map(Some),
            Grouping::Under(life) => tree.under(self.lives.leaf(*life), invocation).map(Some),
        }
    }

    fn launch(
        &mut self,
        launch: &Launch,
        installs: &[Install<OwnedFd>],
        leaf: Option<&Leaf>,
    ) -> Result<Child, SpawnFailure> {
        let door = leaf.map(Leaf::door).transpose().map_err(|error| cgroup(&error))?;
        let descriptors = |errno| SpawnFailure { stage: Stage::Descriptors, errno };
        let mut fds: Vec<(RawFd, BorrowedFd<'_>)> = Vec::with_capacity(installs.len() + 3);
        for Install { target, source } in installs {
            let fd = match source {
                Source::Null => self.null.as_fd(),
                Source::Passed(fd) => fd.as_ref().ok_or(descriptors(search::EMFILE))?.as_fd(),
                Source::Kept(key) => self.kept.get(key).ok_or(descriptors(EBADF))?.as_fd(),
            };
            let target = RawFd::from(*target);
            if fds.iter().any(|&(taken, _)| taken == target) {
                return Err(descriptors(EINVAL));
            }
            fds.push((target, fd));
        }
        for standard in 0..3 {
            if fds.iter().all(|&(target, _)| target != standard) {
                fds.push((standard, self.null.as_fd()));
            }
        }
        let paths: Vec<CString> = search::candidates(&launch.program, &launch.env);
        let mut limits = launch.limits.clone();
        if limits.iter().all(|limit| limit.resource != Resource::Descriptors) {
            limits.push(Limit::descriptors(self.nofile));
        }
        let credentials = launch.credentials.as_ref();
        self.launcher.launch(&Order {
            program: Program::Paths(&paths),
            argv: &launch.argv,
            env: &launch.env,
            cwd: launch.cwd.as_deref(),
            umask: launch.umask.unwrap_or(0o022),
            credentials: credentials.map(|who| (who.uid, who.gid, &who.groups[..])),
            limits: &limits,
            nice: launch.nice,
            group: door.as_ref().map(|door| door.as_fd()),
            session: launch.session,
            own_pid: &launch.own_pid,
            fds: &fds,
        })
    }
}

fn cgroup(error: &io::Error) -> SpawnFailure {
    SpawnFailure { stage: Stage::Cgroup, errno: error.raw_os_error().unwrap_or(EINVAL) }
}

#[expect(clippy::disallowed_methods, reason = "the guard's own pauses: when to start the engine again")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Says on stderr what an operator should know and the engine cannot tell.
pub(super) fn say(words: &str) {
    let _nobody_reads = writeln!(io::stderr(), "svc guard: {words}");
}
