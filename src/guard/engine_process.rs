//! The engine as a process: started, started again when it dies, and told what it has to know.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::base::{Invocation, Limit, Signal, SpawnFailure, Stage};
use crate::guard::channel::{Arrival, Packet, Receiver};
use crate::guard::events::Events;
use crate::guard::lives::Lives;
use crate::guard::protocol::{Groups, Message, Request, VERSION};
use crate::sys::launch::{Child, Launcher, Order, Program};
use crate::sys::process;
use crate::sys::socket;

/// The descriptor the engine finds its socket at; what is passed through follows.
pub(super) const ENGINE_SOCKET: RawFd = 3;

/// An engine that ran this long before it died is started again at once.
const STEADY: Duration = Duration::from_secs(10);
/// The delay before the third start in a row; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// What is needed to start an engine.
pub(super) struct Recipe {
    /// The program.
    pub(super) program: OwnedFd,
    /// Its arguments.
    pub(super) argv: Vec<CString>,
    /// Its environment.
    pub(super) env: Vec<CString>,
    /// Descriptors it gets after its socket.
    pub(super) passed: Vec<OwnedFd>,
}

/// The engine, running or about to be.
pub(super) struct EngineProcess {
    recipe: Recipe,
    /// What each engine is told of the guard's control groups.
    groups: Groups,
    state: State,
    /// How many starts in a row did not last.
    short_lives: u32,
}

enum State {
    /// To be started at this moment.
    Waiting(Instant),
    Running(Running),
    /// It said goodbye and is gone.
    Done,
}

struct Running {
    child: Child,
    since: Instant,
    /// `None` when it has closed its end or broken the protocol.
    link: Option<Link>,
}

/// The guard's end of the socket, and how far its story is told.
struct Link {
    socket: OwnedFd,
    receiver: Receiver,
    story: Vec<Announcement>,
    /// How many of the story's parts are sent.
    announced: usize,
    /// The number of the last event that is sent.
    told: u64,
    /// Whether the socket was full.
    blocked: bool,
}

/// What a new engine is told before the events.
enum Announcement {
    Hello(Groups),
    Life(Invocation),
    Kept(Vec<u8>),
    Ready,
}

impl EngineProcess {
    /// Makes an engine that is to be started at once.
    pub(super) fn new(recipe: Recipe, groups: Groups, now: Instant) -> Self {
        Self { recipe, groups, state: State::Waiting(now), short_lives: 0 }
    }

    /// Starts the engine when it is time.
    ///
    /// # Errors
    /// It could not be started; it is tried again later.
    pub(super) fn start_when_due(
        &mut self,
        launcher: &mut Launcher,
        lives: &Lives,
        kept: &BTreeMap<Vec<u8>, OwnedFd>,
        events: &Events,
        now: Instant,
    ) -> Result<(), SpawnFailure> {
        match self.state {
            State::Waiting(due) if due <= now => {}
            State::Waiting(_) | State::Running(_) | State::Done => return Ok(()),
        }
        match self.recipe.start(launcher) {
            Ok((child, socket)) => {
                let lives = lives.invocations().map(Announcement::Life);
                let kept = kept.keys().cloned().map(Announcement::Kept);
                let hello = Announcement::Hello(self.groups.clone());
                let story = [hello].into_iter().chain(lives).chain(kept).chain([Announcement::Ready]);
                let link = Link {
                    socket,
                    receiver: Receiver::default(),
                    story: story.collect(),
                    announced: 0,
                    told: events.acknowledged(),
                    blocked: false,
                };
                self.state = State::Running(Running { child, since: now, link: Some(link) });
                Ok(())
            }
            Err(failure) => {
                self.wait(now);
                Err(failure)
            }
        }
    }

    /// When the engine is to be started, if it waits for that.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting(due) => Some(due),
            State::Running(_) | State::Done => None,
        }
    }

    /// The engine's process, while it is not reaped.
    pub(super) fn pid(&self) -> Option<u32> {
        match &self.state {
            State::Running(running) => Some(running.child.pid),
            State::Waiting(_) | State::Done => None,
        }
    }

    /// The socket and whether it is to be watched for room.
    pub(super) fn socket(&self) -> Option<(BorrowedFd<'_>, bool)> {
        let State::Running(Running { link: Some(link), .. }) = &self.state else { return None };
        Some((link.socket.as_fd(), link.blocked))
    }

    /// Follows the engine's end: it is started again, unless the guard is ending.
    pub(super) fn ended(&mut self, ending: bool, now: Instant) {
        let since = match &self.state {
            State::Running(running) => running.since,
            State::Waiting(_) | State::Done => return,
        };
        if now.duration_since(since) >= STEADY {
            self.short_lives = 0;
        }
        if ending {
            self.state = State::Done;
        } else {
            self.wait(now);
        }
    }

    /// The first new start is at once: most often the reason is gone with the process.
    fn wait(&mut self, now: Instant) {
        let delay = match self.short_lives {
            0 => Duration::ZERO,
            n => FIRST_DELAY.saturating_mul(1 << (n - 1).min(10)).min(MAX_DELAY),
        };
        self.short_lives = self.short_lives.saturating_add(1);
        self.state = State::Waiting(now + delay);
    }

    /// Kills an engine that cannot be talked to any more; its end is seen as that of any child.
    pub(super) fn abandon(&mut self) {
        if let State::Running(running) = &mut self.state {
            running.link = None;
            let _gone_already_is_well = process::signal(&running.child.pidfd, Signal::KILL);
        }
    }

    /// Gives up on an engine that waits to be started.
    pub(super) fn give_up_waiting(&mut self) {
        if let State::Waiting(_) = self.state {
            self.state = State::Done;
        }
    }

    /// Receives one packet.
    ///
    /// # Errors
    /// As [`Receiver::receive`].
    pub(super) fn receive(&mut self) -> io::Result<Arrival<Request<OwnedFd>>> {
        match &mut self.state {
            State::Running(Running { link: Some(link), .. }) => link.receiver.receive(link.socket.as_fd()),
            State::Running(_) | State::Waiting(_) | State::Done => Ok(Arrival::Nothing),
        }
    }

    /// Tells the engine what it does not know yet, as far as the socket takes it. `false` when there is
    /// more, but the kernel holds too many descriptors in flight and must be asked again later.
    ///
    /// # Errors
    /// What sendmsg(2) says.
    pub(super) fn tell(
        &mut self,
        lives: &Lives,
        kept: &BTreeMap<Vec<u8>, OwnedFd>,
        events: &Events,
    ) -> io::Result<bool> {
        let State::Running(Running { link: Some(link), .. }) = &mut self.state else { return Ok(true) };
        link.blocked = false;
        loop {
            let (packet, announced, told) = link.compose(lives, kept, events);
            if packet.is_empty() {
                return Ok(true);
            }
            match packet.send(link.socket.as_fd()) {
                Ok(true) => (link.announced, link.told) = (announced, told),
                Ok(false) => {
                    link.blocked = true;
                    return Ok(true);
                }
                Err(error) if socket::is_too_many_in_flight(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Link {
    /// Fills a packet with what comes next; also returns how far it goes.
    fn compose<'a>(
        &self,
        lives: &'a Lives,
        kept: &'a BTreeMap<Vec<u8>, OwnedFd>,
        events: &Events,
    ) -> (Packet<BorrowedFd<'a>>, usize, u64) {
        let mut packet = Packet::default();
        // An acknowledgement can be ahead of what was told: then that need not be told any more.
        let (mut announced, mut told) = (self.announced, self.told.max(events.acknowledged()));
        while packet.takes(1) {
            let message = if let Some(announcement) = self.story.get(announced) {
                announced += 1;
                match announcement {
                    Announcement::Hello(groups) => {
                        Some(Message::Hello { version: VERSION, groups: groups.clone() })
                    }
                    Announcement::Life(invocation) => lives.describe(*invocation),
                    Announcement::Kept(key) => {
                        kept.get(key).map(|fd| Message::Kept { key: key.clone(), fd: Some(fd.as_fd()) })
                    }
                    Announcement::Ready => Some(Message::Ready),
                }
            } else if let Some(fact) = events.get(told + 1) {
                told += 1;
                Some(Message::Event { number: told, event: lives.with_descriptor(fact) })
            } else {
                break;
            };
            if let Some(message) = message {
                packet.push(message);
            }
        }
        (packet, announced, told)
    }
}

impl Recipe {
    fn start(&self, launcher: &mut Launcher) -> Result<(Child, OwnedFd), SpawnFailure> {
        let descriptors = |error: io::Error| SpawnFailure {
            stage: Stage::Descriptors,
            errno: error.raw_os_error().unwrap_or(0),
        };
        let (ours, theirs) = socket::packet_pair().map_err(descriptors)?;
        let null = launcher.null().try_clone_to_owned().map_err(descriptors)?;
        let (out, err) = (io::stdout(), io::stderr());
        let mut fds =
            vec![(0, null.as_fd()), (1, out.as_fd()), (2, err.as_fd()), (ENGINE_SOCKET, theirs.as_fd())];
        let passed = self.passed.iter().zip(ENGINE_SOCKET + 1..);
        fds.extend(passed.map(|(fd, number)| (number, fd.as_fd())));
        let child = launcher.launch(&Order {
            program: Program::File(self.program.as_fd()),
            argv: &self.argv,
            env: &self.env,
            cwd: None,
            umask: 0o022,
            credentials: None,
            limits: &[Limit::descriptors(process::nofile())],
            nice: None,
            group: None,
            session: false,
            own_pid: &[],
            fds: &fds,
        })?;
        Ok((child, ours))
    }
}
