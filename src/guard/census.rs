//! Who is left of a life: the processes of the machine, read from `/proc` once for all questions.
//!
//! A session and a process group keep their leader's number from being given out again while they
//! have a member, so a process of that session number which descends from the guard belongs to that
//! life. What has left the session on purpose is found only while its parent is one of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use crate::sys::process;

/// A living process as `/proc` showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its number.
    pub(super) pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    /// When it started; tells it from a later process of the same number.
    start: u64,
}

/// The living processes of the machine at one moment.
pub(super) struct Census {
    all: Vec<Seen>,
    descendants: BTreeSet<u32>,
}

impl Census {
    /// Reads `/proc`, and who in it descends from `ancestor`.
    ///
    /// # Errors
    /// There is no `/proc`, or it cannot be read.
    pub(super) fn take(ancestor: u32) -> io::Result<Self> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            all.extend(see(pid));
        }
        if !all.iter().any(|seen| seen.pid == ancestor) {
            // Another pid namespace's /proc, or one that hides us: its numbers mean nothing here.
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut descendants = BTreeSet::new();
        spread(&all, &mut descendants, |seen| seen.parent == ancestor);
        Ok(Self { all, descendants })
    }

    /// The living processes that belong to the life whose main process is or was `main`.
    pub(super) fn members(&self, main: u32) -> Vec<Seen> {
        let mut members = BTreeSet::new();
        spread(&self.all, &mut members, |seen| {
            self.descendants.contains(&seen.pid)
                && (seen.pid == main || seen.session == main || seen.group == main)
        });
        self.select(&members)
    }

    /// The living processes that descend from the ancestor, save `except` and what descends from it.
    pub(super) fn descendants_but(&self, except: Option<u32>) -> Vec<Seen> {
        let mut spared = BTreeSet::new();
        spread(&self.all, &mut spared, |seen| Some(seen.pid) == except);
        self.select(&self.descendants.difference(&spared).copied().collect())
    }

    /// The living processes of this process group.
    pub(super) fn group(&self, group: u32) -> Vec<Seen> {
        let all = self.all.iter().copied();
        all.filter(|seen| seen.group == group && self.descendants.contains(&seen.pid)).collect()
    }

    fn select(&self, pids: &BTreeSet<u32>) -> Vec<Seen> {
        self.all.iter().copied().filter(|seen| pids.contains(&seen.pid)).collect()
    }
}

/// Adds what `belongs`, and what descends from that, until nothing is added: a child may have a lower
/// number than its parent.
fn spread(all: &[Seen], found: &mut BTreeSet<u32>, belongs: impl Fn(&Seen) -> bool) {
    loop {
        let before = found.len();
        for seen in all {
            if belongs(seen) || found.contains(&seen.parent) {
                found.insert(seen.pid);
            }
        }
        if found.len() == before {
            return;
        }
    }
}

impl Seen {
    /// Returns whether the process is in this process group.
    pub(super) fn is_in_group(&self, group: u32) -> bool {
        self.group == group
    }

    /// Opens a handle on this very process; `None` when it is gone or cannot be opened.
    pub(super) fn open(&self) -> Option<OwnedFd> {
        let handle = process::pidfd(self.pid).ok()?;
        // Looked at again behind the handle: what the number means now, it meant when it was opened.
        (see(self.pid)?.start == self.start).then_some(handle)
    }
}

/// Reads one process; `None` when it is gone or only its exit status is left.
fn see(pid: u32) -> Option<Seen> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &stat)
}

/// Reads the line of proc_pid_stat(5); the name in it may hold blanks and parentheses.
fn parse(pid: u32, stat: &[u8]) -> Option<Seen> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(stat.get(after_name..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let threads: i64 = fields.nth(13)?.parse().ok()?;
    let start = fields.nth(1)?.parse().ok()?;
    // A main thread may have ended before the others: the process is a zombie only with the last.
    let gone = matches!(state, "X" | "x") || state == "Z" && threads <= 1;
    (!gone).then_some(Seen { pid, parent, group, session, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let stat = b"7 (a) S (b) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0";
        let seen = parse(7, stat).expect("a stat line");
        assert_eq!(seen, Seen { pid: 7, parent: 1, group: 2, session: 3, start: 99 });
    }

    #[test]
    fn a_zombie_is_gone_unless_it_has_other_threads() {
        let line = |threads| format!("7 (a) Z 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 99 0 0");
        assert_eq!(parse(7, line(1).as_bytes()), None);
        assert!(parse(7, line(2).as_bytes()).is_some());
    }

    #[test]
    fn what_is_no_stat_line_is_no_process() {
        for text in ["", ")", "7 (a", "7 (a) S 1 2", "7 (a) S x y z"] {
            assert_eq!(parse(7, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn members_are_found_by_session_by_group_and_by_descent() {
        let seen = |pid, parent, group, session| Seen { pid, parent, group, session, start: 0 };
        let all = vec![
            seen(1, 0, 1, 1),
            seen(10, 1, 10, 10),
            seen(9, 20, 9, 9),
            seen(20, 10, 20, 20),
            seen(30, 10, 30, 40),
            seen(31, 10, 40, 31),
            seen(50, 10, 50, 50),
            seen(60, 1, 40, 40),
        ];
        let mut descendants = BTreeSet::new();
        spread(&all, &mut descendants, |seen| seen.parent == 10);
        let census = Census { all, descendants };
        let pids = |main| census.members(main).iter().map(|seen| seen.pid).collect::<Vec<_>>();
        assert_eq!(pids(20), [9, 20], "the child has the lower number");
        assert_eq!(pids(40), [30, 31], "60 does not descend from the guard");
    }
}
