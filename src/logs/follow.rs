//! Following logs: across rotation, truncation, removal, and from before they exist.
//!
//! Woken by inotify only: a watch on each log for what is written, and one on its directory for files
//! that come and go; where that is missing, on the nearest directory above it. No timer, no polling.
//! [`Follow`] is a descriptor to wait for together with others, and [`Follow::read`] never blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader as Events, WatchFlags, add_watch, init};
use rustix::io::Errno;

use crate::logs::read::{Cursor, Line, Reader};

/// As many bytes of one log come from one call: whoever follows has other things to do too.
const BUDGET: usize = 64 << 10;

/// Lines of logs as they are written.
#[derive(Debug)]
pub struct Follow {
    inotify: OwnedFd,
    cursors: Vec<Cursor>,
    /// Which logs a watch concerns, and whether it is one on a directory.
    watches: BTreeMap<i32, BTreeSet<usize>>,
    /// Logs that are to be looked at.
    pending: BTreeSet<usize>,
    /// Logs whose watches are to be set again.
    unwatched: BTreeSet<usize>,
}

impl Follow {
    /// Goes on where `reader`, made with [`follow`](super::Query::follow) and read to its end, has stopped.
    ///
    /// # Errors
    ///
    /// The kernel gives no more inotify instances to this user.
    pub fn new(reader: Reader) -> io::Result<Self> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let cursors = reader.cursors;
        let all: BTreeSet<_> = (0..cursors.len()).collect();
        Ok(Self { inotify, cursors, watches: BTreeMap::new(), pending: all.clone(), unwatched: all })
    }

    /// Appends what was written since the last call, merged by time; returns whether more is there already.
    ///
    /// When it returns false, wait until the descriptor is readable.
    ///
    /// # Errors
    ///
    /// A log cannot be read, or the kernel gives no more watches to this user.
    pub fn read(&mut self, lines: &mut Vec<Line>) -> io::Result<bool> {
        self.take_events()?;
        for source in std::mem::take(&mut self.unwatched) {
            self.watch(source)?;
            self.pending.insert(source);
        }
        let first = lines.len();
        for source in std::mem::take(&mut self.pending) {
            let cursor = &mut self.cursors[source];
            let mut budget = BUDGET;
            loop {
                let Some(line) = cursor.next() else {
                    if cursor.renew()? {
                        continue;
                    }
                    break;
                };
                budget = budget.saturating_sub(line.bytes.len() + 1);
                lines.push(line);
                if budget == 0 {
                    self.pending.insert(source);
                    break;
                }
            }
        }
        lines[first..].sort_by_key(|line| line.time);
        Ok(!self.pending.is_empty())
    }

    /// Appends what is left of logs that nobody writes any more, their unfinished last lines included.
    ///
    /// # Errors
    ///
    /// As [`Follow::read`].
    pub fn finish(&mut self, lines: &mut Vec<Line>) -> io::Result<()> {
        while self.read(lines)? {}
        for cursor in &mut self.cursors {
            lines.extend(cursor.unfinished());
        }
        Ok(())
    }

    /// Waits until something was written and appends it.
    ///
    /// # Errors
    ///
    /// As [`Follow::read`].
    pub fn wait(&mut self, lines: &mut Vec<Line>) -> io::Result<()> {
        loop {
            let more = self.read(lines)?;
            if more || !lines.is_empty() {
                return Ok(());
            }
            match poll(&mut [PollFd::new(&self.inotify, PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Notes which logs the events concern.
    fn take_events(&mut self) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Events::new(&self.inotify, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                self.unwatched.extend(0..self.cursors.len());
                continue;
            }
            let Some(sources) = self.watches.get(&event.wd()) else { continue };
            let modified = event.events().contains(ReadFlags::MODIFY);
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            for &source in sources {
                if modified {
                    self.pending.insert(source);
                } else if name.is_none_or(|name| concerns(&self.cursors[source].log, name)) {
                    self.unwatched.insert(source);
                }
            }
            if event.events().contains(ReadFlags::IGNORED) {
                self.watches.remove(&event.wd());
            }
        }
    }

    /// Watches a log and its directory, or what is there of the way to it.
    fn watch(&mut self, source: usize) -> io::Result<()> {
        let log = self.cursors[source].log.clone();
        let here = WatchFlags::ONLYDIR
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        for directory in log.ancestors().skip(1) {
            let directory = if directory == Path::new("") { Path::new(".") } else { directory };
            if self.add(source, directory, here)? {
                break;
            }
        }
        // After the directory's: a file that takes this one's place from now on is an event.
        self.add(source, &log, WatchFlags::MODIFY)?;
        Ok(())
    }

    fn add(&mut self, source: usize, path: &Path, flags: WatchFlags) -> io::Result<bool> {
        match add_watch(&self.inotify, path, flags) {
            Ok(watch) => {
                self.watches.entry(watch).or_default().insert(source);
                Ok(true)
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns whether a name in a watched directory is the log's, or lies on the way to it.
fn concerns(log: &Path, name: &OsStr) -> bool {
    log.iter().any(|part| part == name)
}

impl AsFd for Follow {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
