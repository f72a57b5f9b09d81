//! The lives the guard is responsible for: from the request to launch until the engine has
//! acknowledged that nothing is left.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::base::{ExitStatus, Invocation, Shares, Signal, SpawnFailure};
use crate::guard::census::{Census, Seen};
use crate::guard::events::{Events, Fact};
use crate::guard::groups::{Leaf, Tree, Watched};
use crate::guard::protocol::{Event, LifeState, Message, Scope};
use crate::sys::launch::Child;
use crate::sys::process;

/// How often, in one go, a kill of everything looks for processes that were forked meanwhile.
const KILL_ROUNDS: usize = 8;

/// One life.
struct Life {
    tag: Vec<u8>,
    /// Its main process; `None` when the launch failed. Held until the life is forgotten.
    main: Option<Child>,
    now: Now,
    known: Known,
    /// Its control group, while it has one.
    leaf: Option<Leaf>,
    /// The life under whose limits it is.
    under: Option<Invocation>,
}

/// A life that is about to begin.
pub(super) struct Birth {
    /// Which.
    pub(super) invocation: Invocation,
    /// What the engine gave it.
    pub(super) tag: Vec<u8>,
    /// What came of the launch.
    pub(super) launched: Result<Child, SpawnFailure>,
    /// The control group it is in.
    pub(super) leaf: Option<Leaf>,
    /// The life under whose limits it is.
    pub(super) under: Option<Invocation>,
}

/// What is true of a life.
enum Now {
    /// Its main process is not reaped.
    Running {
        /// Whether all of it was to be killed.
        kill: bool,
    },
    /// Its main process is gone, others are left.
    Lingering {
        /// Whether they are to be killed as they are found.
        kill: bool,
        /// Its control group, or a handle on one of them: while that one runs there is nothing to look for, and
        /// when it ends it is time to look again. `None` when it has ended or none could be opened.
        watched: Option<Watched>,
    },
    /// Nothing is left, or nothing ever was.
    Over,
}

/// What the engine has acknowledged of a life.
enum Known {
    Nothing,
    Spawned,
    Exited(ExitStatus),
}

/// All lives that are not forgotten.
#[derive(Default)]
pub(super) struct Lives {
    all: BTreeMap<Invocation, Life>,
    /// The unreaped main processes.
    running: BTreeMap<u32, Invocation>,
}

impl Lives {
    /// Returns whether this life is already known.
    pub(super) fn contains(&self, invocation: Invocation) -> bool {
        self.all.contains_key(&invocation)
    }

    /// Returns the control group of a life.
    pub(super) fn leaf(&self, invocation: Invocation) -> Option<&Leaf> {
        self.all.get(&invocation)?.leaf.as_ref()
    }

    /// Changes what a life may use.
    ///
    /// # Errors
    /// The kernel refuses a limit.
    pub(super) fn share(&mut self, invocation: Invocation, shares: Shares, tree: &Tree) -> io::Result<()> {
        match self.all.get_mut(&invocation).and_then(|life| life.leaf.as_mut()) {
            Some(leaf) => tree.change(leaf, shares),
            None => Ok(()),
        }
    }

    /// Adds a life after its launch.
    pub(super) fn add(&mut self, birth: Birth, events: &mut Events) {
        let Birth { invocation, tag, launched, leaf, under } = birth;
        let (main, now) = match launched {
            Ok(child) => {
                self.empty_lives_of_number(child.pid, events);
                self.running.insert(child.pid, invocation);
                events.push(Event::Spawned { invocation, pid: child.pid, pidfd: None });
                (Some(child), Now::Running { kill: false })
            }
            Err(failure) => {
                events.push(Event::SpawnFailed { invocation, failure });
                (None, Now::Over)
            }
        };
        self.all.insert(invocation, Life { tag, main, now, known: Known::Nothing, leaf, under });
    }

    /// The kernel has given a number to a new process, so no session or group of that number is left.
    fn empty_lives_of_number(&mut self, pid: u32, events: &mut Events) {
        for (&invocation, life) in &mut self.all {
            let same = life.main.as_ref().is_some_and(|main| main.pid == pid);
            // Who has left the session is still in the group.
            if same && life.leaf.is_none() && matches!(life.now, Now::Lingering { .. }) {
                life.now = Now::Over;
                events.push(Event::Emptied { invocation });
            }
        }
    }

    /// Records that main processes were reaped, and finds out what they left behind.
    pub(super) fn ended(&mut self, ended: &[process::Ended], events: &mut Events, file: BorrowedFd<'_>) {
        let mut census = None;
        for &process::Ended { pid, exit } in ended {
            let Some(invocation) = self.running.remove(&pid) else {
                // An orphan that was left to the guard: nobody asks for it.
                continue;
            };
            let Some(life) = self.all.get_mut(&invocation) else { continue };
            let kill = matches!(life.now, Now::Running { kill: true });
            let under = life.under;
            let exit = match &mut life.leaf {
                // What svc itself killed it did not kill for want of memory.
                Some(leaf) if !kill => leaf.cause_of(exit),
                _ => exit,
            };
            let stragglers = life.has_more(file, &mut census);
            life.now = if stragglers { Now::Lingering { kill, watched: None } } else { Now::Over };
            events.push(Event::Exited { invocation, exit, stragglers });
            let above = under.and_then(|under| self.all.get_mut(&under)).and_then(|life| life.leaf.as_mut());
            if let Some(leaf) = above {
                leaf.look_for_killed();
            }
        }
    }

    /// Looks at the lives whose stragglers may be gone, and kills those that are to be killed. Returns
    /// whether to look again soon although nothing tells when: a kill is not yet known to be complete, or
    /// no straggler could be watched.
    pub(super) fn settle(&mut self, events: &mut Events, file: BorrowedFd<'_>) -> bool {
        let mut census = None;
        let mut again = false;
        for (&invocation, life) in &mut self.all {
            let Now::Lingering { kill, watched } = &life.now else { continue };
            let kill = *kill;
            if watched.is_some() && !kill {
                continue;
            }
            if kill {
                life.kill_everything(&mut census);
            }
            // Watched before it is looked at: nothing that ends in between is missed.
            life.watch(&mut census);
            if life.has_more(file, &mut census) {
                again |= kill || matches!(life.now, Now::Lingering { watched: None, .. });
            } else {
                life.now = Now::Over;
                events.push(Event::Emptied { invocation });
            }
        }
        again
    }

    /// Removes the control groups of lives that are over.
    pub(super) fn tidy(&mut self, tree: &mut Tree) {
        tree.tidy();
        for life in self.all.values_mut().filter(|life| matches!(life.now, Now::Over)) {
            if let Some(leaf) = life.leaf.take() {
                tree.remove(leaf);
            }
        }
    }

    /// The handles whose readiness says that it is time to look at a life again.
    pub(super) fn watched(&self) -> impl Iterator<Item = (Invocation, &Watched)> {
        self.all.iter().filter_map(|(&invocation, life)| match &life.now {
            Now::Lingering { watched: Some(watched), .. } => Some((invocation, watched)),
            Now::Running { .. } | Now::Lingering { .. } | Now::Over => None,
        })
    }

    /// Records that a watched straggler has ended.
    pub(super) fn watched_one_ended(&mut self, invocation: Invocation) {
        if let Some(Life { now: Now::Lingering { watched, .. }, .. }) = self.all.get_mut(&invocation) {
            *watched = None;
        }
    }

    /// Sends a signal; nothing happens when the life is over or unknown.
    pub(super) fn signal(
        &mut self,
        invocation: Invocation,
        signal: Signal,
        scope: Scope,
        census: &mut Option<Census>,
    ) {
        let Some(life) = self.all.get_mut(&invocation) else { return };
        match (&mut life.now, scope) {
            (Now::Over, _) | (Now::Lingering { .. }, Scope::Main) => {}
            (Now::Running { .. }, Scope::Main) => life.signal_main(signal),
            (Now::Running { .. } | Now::Lingering { .. }, Scope::Group) => life.signal_group(signal, census),
            (Now::Running { kill }, Scope::Everything) if signal == Signal::KILL => {
                *kill = true;
                life.kill_everything(census);
            }
            // `settle` does it, before the guard waits again.
            (Now::Lingering { kill, .. }, Scope::Everything) if signal == Signal::KILL => *kill = true,
            (Now::Running { .. } | Now::Lingering { .. }, Scope::Everything) => {
                life.signal_everything(signal, census);
            }
        }
    }

    /// Follows an acknowledgement: a life that is over and known to be is forgotten.
    pub(super) fn acknowledged(&mut self, fact: &Fact) {
        let (invocation, known) = match *fact {
            Event::Spawned { invocation, .. } => (invocation, Some(Known::Spawned)),
            Event::Exited { invocation, exit, stragglers: true } => (invocation, Some(Known::Exited(exit))),
            Event::SpawnFailed { invocation, .. }
            | Event::Exited { invocation, stragglers: false, .. }
            | Event::Emptied { invocation } => (invocation, None),
            Event::SignalReceived { .. } => return,
        };
        match (known, self.all.get_mut(&invocation)) {
            (Some(known), Some(life)) => life.known = known,
            (None, Some(_)) => {
                self.all.remove(&invocation);
            }
            (_, None) => {}
        }
    }

    /// The lives there are.
    pub(super) fn invocations(&self) -> impl Iterator<Item = Invocation> {
        self.all.keys().copied()
    }

    /// Describes a life as the engine's acknowledgements left it.
    pub(super) fn describe(&self, invocation: Invocation) -> Option<Message<BorrowedFd<'_>>> {
        let life = self.all.get(&invocation)?;
        let state = match (&life.known, &life.main) {
            (Known::Exited(exit), _) => LifeState::Lingering { exit: *exit },
            (Known::Spawned, Some(main)) => {
                LifeState::Running { pid: main.pid, pidfd: Some(main.pidfd.as_fd()) }
            }
            (Known::Nothing | Known::Spawned, _) => LifeState::Launching,
        };
        Some(Message::Life { invocation, tag: life.tag.clone(), state })
    }

    /// Makes of an event at rest one that can be sent.
    pub(super) fn with_descriptor(&self, fact: &Fact) -> Event<BorrowedFd<'_>> {
        match *fact {
            Event::Spawned { invocation, pid, .. } => {
                let main = self.all.get(&invocation).and_then(|life| life.main.as_ref());
                Event::Spawned { invocation, pid, pidfd: main.map(|main| main.pidfd.as_fd()) }
            }
            Event::SpawnFailed { invocation, failure } => Event::SpawnFailed { invocation, failure },
            Event::Exited { invocation, exit, stragglers } => Event::Exited { invocation, exit, stragglers },
            Event::Emptied { invocation } => Event::Emptied { invocation },
            Event::SignalReceived { signal } => Event::SignalReceived { signal },
        }
    }
}

impl Life {
    fn signal_main(&self, signal: Signal) {
        if let Some(main) = &self.main {
            tolerate(process::signal(&main.pidfd, signal));
        }
    }

    fn signal_group(&self, signal: Signal, census: &mut Option<Census>) {
        let Some(main) = &self.main else { return };
        match process::signal_group(&main.pidfd, signal) {
            // The kernel is too old for this kind.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            answer => return tolerate(answer),
        }
        if matches!(self.now, Now::Running { .. }) {
            return tolerate(process::signal_group_of_child(main.pid, signal));
        }
        if let Some(leaf) = &self.leaf {
            // The number may be another's by now: only who is in the control group counts.
            return leaf.signal(main.pid, true, signal);
        }
        if let Some(census) = taken(census) {
            census.group(main.pid).iter().for_each(|seen| signal_one(seen, signal));
        }
    }

    fn signal_everything(&self, signal: Signal, census: &mut Option<Census>) {
        let Some(main) = &self.main else { return };
        self.signal_group(signal, census);
        if let Some(leaf) = &self.leaf {
            return leaf.signal(main.pid, false, signal);
        }
        let Some(census) = taken(census) else { return };
        let members = census.members(main.pid);
        members.iter().filter(|seen| !seen.is_in_group(main.pid)).for_each(|seen| signal_one(seen, signal));
    }

    /// Kills its control group. Without one: kills the process group, which the kernel does at one instant, then whoever else belongs to the life, until a
    /// look at the machine finds no new one. A process with a pending SIGKILL cannot fork, so this ends
    /// unless the others fork faster than `/proc` can be read; then the guard's next round goes on.
    fn kill_everything(&self, census: &mut Option<Census>) {
        let Some(main) = &self.main else { return };
        if let Some(leaf) = &self.leaf {
            if !leaf.kill() {
                // Without a descriptor left for it, the process group goes first; the rest at the next try.
                self.signal_group(Signal::KILL, census);
            }
            return;
        }
        let mut killed: Vec<Seen> = Vec::new();
        for _ in 0..KILL_ROUNDS {
            self.signal_group(Signal::KILL, census);
            let Some(members) = taken(census).map(|census| census.members(main.pid)) else { return };
            let new = |seen: &Seen| !seen.is_in_group(main.pid) && !killed.contains(seen);
            let found: Vec<Seen> = members.into_iter().filter(new).collect();
            if found.is_empty() {
                return;
            }
            found.iter().for_each(|seen| signal_one(seen, Signal::KILL));
            killed.extend(found);
            // Who was found may have forked since.
            *census = None;
        }
    }

    /// Returns whether a process is left besides the reaped main process.
    fn has_more(&self, file: BorrowedFd<'_>, census: &mut Option<Census>) -> bool {
        let Some(main) = &self.main else { return false };
        if let Some(leaf) = &self.leaf {
            return leaf.has_processes();
        }
        if !process::number_in_use(main.pid, file) {
            return false;
        }
        match taken(census) {
            Some(census) => !census.members(main.pid).is_empty(),
            None => process::group_has_members(&main.pidfd).unwrap_or(false),
        }
    }

    /// Chooses a straggler to wait for.
    fn watch(&mut self, census: &mut Option<Census>) {
        let Some(main) = &self.main else { return };
        let found = match &self.leaf {
            Some(leaf) => leaf.watch().map(Watched::Group),
            None => {
                let members = taken(census).map(|census| census.members(main.pid)).unwrap_or_default();
                members.iter().find_map(Seen::open).map(Watched::Process)
            }
        };
        if let Now::Lingering { watched, .. } = &mut self.now {
            *watched = found;
        }
    }
}

/// The census of this round, taken when it is first needed; `None` without a usable `/proc`.
fn taken(census: &mut Option<Census>) -> Option<&Census> {
    if census.is_none() {
        *census = Census::take(process::own_pid()).ok();
    }
    census.as_ref()
}

fn signal_one(seen: &Seen, signal: Signal) {
    if let Some(handle) = seen.open() {
        tolerate(process::signal(handle, signal));
    }
}

/// A signal that finds nobody has nothing left to do; one that is forbidden (a set-user-id program of
/// another user) can only be sent by that user. Either way the life's end is what counts.
fn tolerate(answer: io::Result<()>) {
    let _whoever_is_gone_needs_no_signal = answer;
}
