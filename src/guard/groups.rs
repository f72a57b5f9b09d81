//! The control groups of lives: one each, below a folder of this guard's own.
//!
//! Where the guard was given a part of the tree, a life is what is in its group: nothing that leaves its session
//! gets away, and `SIGKILL` reaches all of it at one instant. The folder `svc-NAME` is made in the group the guard
//! finds itself in and held by a lock for as long as the guard lives; who can take the lock of such a folder has found
//! one that a killed guard left. A group with processes of its own cannot share anything out to groups below it, so
//! svc's processes step aside into `supervisor`, unless somebody else's are there too.
//!
//! ```text
//! svc-shop-1a2b3c4d5e/       held by the guard
//!     supervisor/            guard, engine and `svc up`, when they had to step aside
//!     db-1/                  a life without limits
//!     api.0-2/               the limits of a life
//!         main/              its processes
//!         errand-3/          a probe's or a stop command's, under the same limits
//! ```

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::base::{ExitStatus, Invocation, Shares, Signal, Size};
use crate::guard::protocol::Groups;
use crate::guard::serve::now;
use crate::sys::cgroup::{self, Controller, Group};
use crate::sys::process;

/// What the guards' folders are called.
const PREFIX: &str = "svc-";
/// How many folders are tried when one is in use or cannot be cleared.
const TRIES: u32 = 8;
/// How long the processes that a killed guard left have to end by themselves.
const GRACE: Duration = Duration::from_secs(5);
/// How long they have to go once they were killed.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// How many bytes of a life's name are in its folder's.
const NAME_MAX: usize = 120;
/// How many processes of a group are signalled at a time.
const HANDLES: usize = 128;
/// The longest reason for what groups cannot do, in characters: it has to fit into a message.
const REASON_MAX: usize = 500;
/// How often a kill looks for processes that were forked meanwhile, where the kernel cannot kill a group.
const KILL_ROUNDS: usize = 8;

/// The groups of this guard's lives.
pub(super) struct Tree {
    root: Group,
    /// Lets other guards know that the folder is in use.
    _held: OwnedFd,
    /// What is shared out to lives.
    shared: Vec<Controller>,
    /// Groups that nothing is in, as far as is known, and that could not be removed yet.
    left: Vec<Group>,
}

/// The group of a life.
pub(super) struct Leaf {
    /// Where its processes are.
    group: Group,
    /// What limits it; errands are in it too.
    limits: Option<Group>,
    /// Its limit on memory.
    memory: Option<Size>,
    /// How many processes the kernel had killed for want of memory when that was last looked at.
    killed: u64,
}

impl Tree {
    /// Makes the folder of this guard, and tells what can be done in it. `None` where it cannot be made.
    pub(super) fn take(name: &str) -> (Option<Self>, Groups) {
        let (tree, groups) = Self::make(name);
        let lacking = groups.lacking.chars().take(REASON_MAX).collect();
        (tree, Groups { lacking, ..groups })
    }

    fn make(name: &str) -> (Option<Self>, Groups) {
        let lacking = |lacking| (None, Groups { lacking, ..Groups::default() });
        if name.is_empty() {
            return lacking("none were asked for".to_owned());
        }
        let Ok(own) = cgroup::own() else {
            return lacking("no control groups of version 2 are mounted, or there is no /proc".to_owned());
        };
        sweep(&own);
        match folder(&own, name) {
            Ok((root, held, cleared)) => {
                let (shared, why) = share_out(&own, &root);
                let has = |controller| shared.contains(&controller);
                let groups = Groups {
                    leaves: true,
                    memory: has(Controller::Memory),
                    cpu: has(Controller::Cpu),
                    pids: has(Controller::Pids),
                    lacking: why,
                    cleared,
                };
                (Some(Self { root, _held: held, shared, left: Vec::new() }), groups)
            }
            Err(error) => lacking(format!("no group can be made in {}: {error}", own.dir().display())),
        }
    }

    /// Makes the group of a life.
    ///
    /// # Errors
    /// The kernel refuses the group or a limit; nothing is left of it then.
    pub(super) fn leaf(&mut self, name: &[u8], life: Invocation, shares: Shares) -> io::Result<Leaf> {
        let group = self.root.child(&format!("{}-{}", readable(name), life.0));
        group.make()?;
        if shares == Shares::default() {
            return Ok(Leaf { group, limits: None, memory: None, killed: 0 });
        }
        let main = group.child("main");
        let made = self.limit(&group, shares).and_then(|()| main.make());
        if let Err(error) = made {
            self.discard(&group);
            return Err(error);
        }
        Ok(Leaf { group: main, limits: Some(group), memory: shares.memory, killed: 0 })
    }

    /// Makes the group of an errand of a life that has this leaf, if it has one.
    ///
    /// # Errors
    /// The kernel refuses the group.
    pub(super) fn under(&mut self, leaf: Option<&Leaf>, errand: Invocation) -> io::Result<Leaf> {
        let above = leaf.and_then(|leaf| leaf.limits.as_ref()).unwrap_or(&self.root);
        // The high bits only say that it is an errand.
        let group = above.child(&format!("errand-{}", errand.0 as u32));
        group.make()?;
        Ok(Leaf { group, limits: None, memory: None, killed: 0 })
    }

    /// Limits what a group may use, as far as that is shared out.
    fn limit(&self, group: &Group, shares: Shares) -> io::Result<()> {
        let Shares { memory, cpu, pids } = shares;
        let no_limit = || "max".to_owned();
        for controller in &self.shared {
            let (file, value) = match controller {
                Controller::Memory => ("memory.max", memory.map_or_else(no_limit, |m| m.0.to_string())),
                Controller::Cpu => {
                    let quota = cpu.map_or_else(no_limit, |quota| quota.to_string());
                    ("cpu.max", format!("{quota} {}", Shares::PERIOD))
                }
                Controller::Pids => ("pids.max", pids.map_or_else(no_limit, |p| p.to_string())),
            };
            group.limit(file, &value)?;
        }
        Ok(())
    }

    /// Changes the limits of a life that has some or gets some.
    ///
    /// # Errors
    /// The kernel refuses a limit.
    pub(super) fn change(&self, leaf: &mut Leaf, shares: Shares) -> io::Result<()> {
        leaf.memory = shares.memory;
        self.limit(leaf.limits.as_ref().unwrap_or(&leaf.group), shares)
    }

    /// Removes the group of a life that is over.
    pub(super) fn remove(&mut self, leaf: Leaf) {
        let Leaf { group, limits, .. } = leaf;
        self.discard(limits.as_ref().unwrap_or(&group));
    }

    /// Removes a group, later if it cannot be now: an errand may be in it for a moment longer.
    fn discard(&mut self, group: &Group) {
        if group.remove().is_err() {
            self.left.push(group.clone());
        }
    }

    /// Removes the folder. It stays when the guard itself had to move into it; whoever comes next sweeps it away.
    pub(super) fn leave(&self) {
        let _in_use = self.root.remove();
    }

    /// Tries again to remove what could not be removed.
    pub(super) fn tidy(&mut self) {
        self.left.retain(|group| group.remove().is_err());
    }
}

impl Leaf {
    /// Opens what a process enters it by.
    ///
    /// # Errors
    /// What open(2) says.
    pub(super) fn door(&self) -> io::Result<OwnedFd> {
        self.group.door()
    }

    /// Returns whether a process is in it; while it cannot be asked, for want of a descriptor say, it may be.
    pub(super) fn has_processes(&self) -> bool {
        match self.group.is_populated() {
            Ok(populated) => populated,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Opens what has an exceptional condition (`POLLPRI`) when the last process is gone.
    pub(super) fn watch(&self) -> Option<OwnedFd> {
        self.group.watch().ok()
    }

    /// Kills everything in it: at one instant, or as fast as it is found where the kernel cannot do that. Returns
    /// whether that was done.
    pub(super) fn kill(&self) -> bool {
        if self.group.kill().is_ok() {
            return true;
        }
        for _ in 0..KILL_ROUNDS {
            if !self.has_processes() {
                return true;
            }
            signal_each(&self.group, Signal::KILL, |_| true);
        }
        !self.has_processes()
    }

    /// Sends a signal to each process in it that is in the process group of `main`, or to each that is not.
    pub(super) fn signal(&self, main: u32, in_its_group: bool, signal: Signal) {
        signal_each(&self.group, signal, |pid| (process::group_of(pid) == Some(main)) == in_its_group);
    }

    /// Returns how its main process ended, when that is known better than by its exit: the kernel had
    /// something in it killed for want of memory. A shell, or another wrapper, reports that with 137.
    pub(super) fn cause_of(&mut self, exit: ExitStatus) -> ExitStatus {
        let before = self.killed;
        let more = self.look_for_killed() > before;
        let by_kill = exit == ExitStatus::Signal(Signal::KILL) || exit == ExitStatus::Code(137);
        if !(more && by_kill) {
            return exit;
        }
        let limits = self.limits.as_ref().unwrap_or(&self.group);
        ExitStatus::OutOfMemory { limit: self.memory.filter(|_| limits.ran_out_of_its_own()) }
    }

    /// Takes note of what the kernel killed so far: that did not kill what ends later.
    pub(super) fn look_for_killed(&mut self) -> u64 {
        let limits = self.limits.as_ref().unwrap_or(&self.group);
        self.killed = limits.killed_for_memory().unwrap_or(self.killed);
        self.killed
    }
}

/// Makes a life's name fit for a folder, and unlike the kernel's files there.
fn readable(name: &[u8]) -> String {
    let fit =
        |byte: &u8| if byte.is_ascii_alphanumeric() || b"._-".contains(byte) { *byte as char } else { '_' };
    name.iter().take(NAME_MAX).map(fit).collect()
}

/// Removes what guards left that were killed, as far as nothing is in it: what is, belongs to a project that
/// will be started again.
fn sweep(own: &Group) {
    let ours = |group: &Group| {
        let name = group.dir().file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX))
    };
    for group in own.children().unwrap_or_default().iter().filter(|group| ours(group)) {
        if let Ok(Some(_held)) = group.hold() {
            let _in_use = group.remove();
        }
    }
}

/// Makes the guard's folder and holds it; also returns how many processes had to be cleared out of it.
fn folder(own: &Group, name: &str) -> io::Result<(Group, OwnedFd, u32)> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for again in 0..TRIES {
        let folder = match again {
            0 => own.child(&format!("{PREFIX}{name}")),
            again => own.child(&format!("{PREFIX}{name}.{again}")),
        };
        match folder.make() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        match folder.hold() {
            Ok(Some(held)) => {
                let cleared = clear(&folder);
                // One that somebody swept away in between cannot be asked any more.
                match folder.is_populated() {
                    Ok(false) => return Ok((folder, held, cleared)),
                    Ok(true) => {}
                    Err(error) => last = error,
                }
            }
            Ok(None) => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Ends what a killed guard left, and removes its groups; returns how many processes that were.
fn clear(folder: &Group) -> u32 {
    let mut count = 0;
    each(folder, &mut |_| count += 1);
    if count > 0 {
        signal_each(folder, Signal::TERM, |_| true);
        if !wait_until_empty(folder, GRACE) {
            Leaf { group: folder.clone(), limits: None, memory: None, killed: 0 }.kill();
            wait_until_empty(folder, LAST_WAIT);
        }
    }
    for group in folder.children().unwrap_or_default() {
        let _in_use = group.remove();
    }
    count
}

fn wait_until_empty(group: &Group, limit: Duration) -> bool {
    let until = now() + limit;
    loop {
        let Ok(watch) = group.watch() else { return true };
        if !group.is_populated().unwrap_or(false) {
            return true;
        }
        let left = until.saturating_duration_since(now());
        if left.is_zero() {
            return false;
        }
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        // Interrupted or not: the next look tells.
        let _ready = rustix::event::poll(&mut [PollFd::new(&watch, PollFlags::PRI)], Some(&left));
    }
}

/// Calls for each process in a group and below it.
fn each(group: &Group, call: &mut dyn FnMut(u32)) {
    group.processes().unwrap_or_default().into_iter().for_each(&mut *call);
    group.children().unwrap_or_default().iter().for_each(|below| each(below, call));
}

/// Sends a signal to each process in a group and below it that `chosen` is true for.
fn signal_each(group: &Group, signal: Signal, chosen: impl Fn(u32) -> bool) {
    let mut found = Vec::new();
    // A number that this process cannot see stands as 0.
    each(group, &mut |pid| found.extend((pid > 0 && chosen(pid)).then_some(pid)));
    for some in found.chunks(HANDLES) {
        let handles: Vec<(u32, io::Result<OwnedFd>)> =
            some.iter().map(|&pid| (pid, process::pidfd(pid))).collect();
        // Looked at again behind the handles: a number that is still in the group meant the same all the while.
        let mut still = BTreeSet::new();
        each(group, &mut |pid| {
            still.insert(pid);
        });
        for (_, handle) in handles.into_iter().filter(|(pid, _)| still.contains(pid)) {
            if let Ok(handle) = handle {
                let _gone_already_is_well = process::signal(handle, signal);
            }
        }
    }
}

/// Sees to it that the guard's folder has what can be limited, and says what it lacks.
fn share_out(own: &Group, root: &Group) -> (Vec<Controller>, String) {
    let offered = own.controllers();
    let enabled = own.enabled();
    let missing: Vec<Controller> = offered.iter().copied().filter(|c| !enabled.contains(c)).collect();
    let mut why = String::new();
    if !missing.is_empty()
        && !own.is_root()
        && let Err(reason) = step_aside(own, root)
    {
        why = reason;
    }
    for controller in missing {
        if why.is_empty()
            && let Err(error) = own.enable(controller)
        {
            why = format!("{} cannot be shared out in {}: {error}", controller.word(), own.dir().display());
        }
    }
    for controller in offered {
        // What the group above does not share out is missing then, and was said.
        let _not_shared = root.enable(controller);
    }
    let shared = root.enabled();
    let lacks: Vec<&str> =
        Controller::ALL.into_iter().filter(|c| !shared.contains(c)).map(Controller::word).collect();
    if !lacks.is_empty() && why.is_empty() {
        why = format!("{} offers no {}", own.dir().display(), lacks.join(", no "));
    }
    (shared, why)
}

/// Moves svc's own processes out of a group that is to share out what it has.
fn step_aside(own: &Group, root: &Group) -> Result<(), String> {
    let told = |error: io::Error| format!("svc cannot leave {}: {error}", own.dir().display());
    let ours = [process::own_pid(), process::parent_pid()];
    let inside = own.processes().map_err(told)?;
    if let Some(stranger) = inside.iter().find(|pid| !ours.contains(pid)) {
        let dir = own.dir().display();
        return Err(format!("svc shares {dir} with other processes, such as {stranger}"));
    }
    let supervisor = root.child("supervisor");
    supervisor.make().map_err(told)?;
    for pid in ours.into_iter().filter(|pid| inside.contains(pid)) {
        supervisor.enter(pid).map_err(told)?;
    }
    Ok(())
}

/// A life's group, to be waited on.
#[derive(Debug)]
pub(super) enum Watched {
    /// One of its processes: readable when it has ended.
    Process(OwnedFd),
    /// Its group: see [`Leaf::watch`].
    Group(OwnedFd),
}

impl Watched {
    /// Returns what to wait for.
    pub(super) fn poll_fd(&self) -> PollFd<'_> {
        let (handle, flags) = match self {
            Self::Process(handle) => (handle, PollFlags::IN),
            Self::Group(handle) => (handle, PollFlags::PRI),
        };
        PollFd::new(handle, flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_a_folder_that_is_no_file_of_the_kernel_and_no_way_out() {
        assert_eq!(readable(b"api.0"), "api.0");
        assert_eq!(readable(b"../a b\xff"), ".._a_b_");
        assert_eq!(readable(&[b'a'; 4096]).len(), NAME_MAX);
    }
}
