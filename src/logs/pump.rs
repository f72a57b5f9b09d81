//! The pump: moves what lies in a service's pipe into its log, as far as one call may.
//!
//! It owns no task, no timer and no clock: [`Pump::drain`] does a bounded amount of work and says when
//! it wants to be called again ([`Next`]). Killed between any two system calls, it is continued by a new
//! pump on the same pipe and path: the state is in the pipe and in the file.
//!
//! # A full file
//!
//! The file is rotated at the last line end that fits. A line longer than the whole file goes on
//! beyond its size by at most [`LONGEST_LINE`] and is split there, so that output without line ends fills
//! neither the disk nor the memory.
//!
//! # A file that cannot be written
//!
//! While writing fails (`ENOSPC`, `EDQUOT`, `EFBIG`, `EIO`, …) output waits in the pipe. When the pipe is a
//! quarter full its content is discarded and counted, so that the service is never blocked for long. Once
//! a second the pump tries again; when that works and something was discarded, one line tells it,
//! before what follows:
//!
//! ```text
//! [svc: 1234 bytes of output are missing here, from 2026-11-23T04:00:00Z to 2026-11-23T04:00:10Z: the log could not be written]
//! ```
//!
//! The count is kept in the index as well, and survives a kill. Whoever runs pumps must ignore
//! `SIGXFSZ`, which would kill the process where a file size limit is reached.

use std::cell::RefCell;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use memchr::{memchr, memrchr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, ioctl_fionread, read};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice, tee};

pub use crate::logs::store::Settings;

use crate::logs::file::FileError;
use crate::logs::index::Gap;
use crate::logs::name::Channel;
use crate::logs::read::{Query, Reader};
use crate::logs::rewrite::Rewriter;
use crate::logs::send::{News, Sender};
use crate::logs::store::Store;
use crate::logs::tap::Tap;

/// As much as a line may go on beyond the size of its file before it is split.
pub const LONGEST_LINE: u64 = 1 << 20;

/// As much as one call moves, so that a flooding service does not starve the others.
const BUDGET: u64 = 1 << 20;

/// The pipe of a service that floods is made this large, if the kernel allows.
const LARGE_PIPE: usize = 1 << 20;

/// As much as one system call moves: the kernel lets nobody write to the pipe meanwhile.
const PIECE: u64 = 128 << 10;

/// As much has to have come meanwhile for a further look at the pipe at once. Less is left until the pipe has
/// rested: taking a hundred bytes while a hundred more are written halves the writer's speed.
const WORTHWHILE: u64 = 64 << 10;

/// The shortest rest of a pipe that is written to all the time.
const BREATH: Duration = Duration::from_micros(300);

/// As much of the pipe as is looked at when searching a line end: the size of a new pipe.
const PEEK: usize = 64 * 1024;

/// The longest time output waits in the pipe while it comes often.
const LINGER: Duration = Duration::from_millis(20);

/// How long writing rests after it has failed.
const RETRY: Duration = Duration::from_secs(1);

/// When a pump wants to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When the pipe is readable; not before.
    Readable,
    /// After this time, whether the pipe is readable or not. Zero: after the others had their turn.
    After(Duration),
    /// When somebody writes to the pipe again: no process has it open for writing, and it is empty.
    Closed,
}

/// Something an operator should hear of.
#[derive(Debug)]
pub enum Notice {
    /// Writing has failed; output waits in the pipe, then it is discarded and counted.
    Failed(FileError),
    /// What became of sending lines elsewhere.
    Sending(News),
    /// Writing works again.
    Resumed {
        /// When it failed.
        since: Timestamp,
        /// How many bytes were discarded.
        lost: u64,
    },
}

/// What one call did.
#[derive(Debug)]
#[must_use]
pub struct Report {
    /// How many bytes went into the log.
    pub bytes: u64,
    /// How many bytes were discarded.
    pub lost: u64,
    /// How many times the file was rotated.
    pub rotated: u32,
    /// Whether the line waited for was written; told once.
    pub matched: bool,
    /// What happened besides, in order; at most two of the log and two of each receiver.
    pub notices: Vec<Notice>,
    /// When to call again besides, to send what waits.
    pub send: Option<Duration>,
    /// When to call again.
    pub next: Next,
}

/// The way of one instance's output from its pipe into its log.
#[derive(Debug)]
pub struct Pump {
    pipe: OwnedFd,
    capacity: usize,
    store: Store,
    fault: Option<Fault>,
    drained_at: Option<Timestamp>,
    tap: Option<Box<Tap>>,
    rewritten: Option<Rewritten>,
    channel: Channel,
    senders: Vec<Sender>,
}

/// A log whose lines are rewritten, to be written by two pumps.
#[derive(Clone, Debug)]
pub struct Shared(Rc<RefCell<Rewriter>>);

/// The log of a pump whose lines are rewritten. Both pumps of an instance may write to one, each in its turn: there is
/// one task for all of them.
#[derive(Clone, Debug)]
struct Rewritten {
    writer: Rc<RefCell<Rewriter>>,
    channel: Channel,
}

/// Writing does not work.
#[derive(Debug)]
struct Fault {
    since: Timestamp,
    tried: Timestamp,
    lost: u64,
    at: u64,
    /// How much waited in the pipe last time, and how long it is left alone.
    seen: u64,
    rest: Duration,
}

/// What to do with a pipe that holds more than the file has room for.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    /// Move this many bytes.
    Take(u64),
    /// Move this many bytes, then rotate.
    TakeThenRotate(u64),
    /// Rotate, then look again.
    Rotate,
}

impl Pump {
    /// Makes a pump from the non-blocking read end of an instance's pipe; opens nothing yet.
    pub fn new(pipe: OwnedFd, settings: Settings) -> Self {
        Self::of(pipe, settings, Channel::Out)
    }

    /// Makes a pump from the pipe of one output of an instance.
    pub fn of(pipe: OwnedFd, settings: Settings, channel: Channel) -> Self {
        let capacity = fcntl_getpipe_size(&pipe).unwrap_or(PEEK);
        let rewritten = rewritten(&settings, channel);
        let store = Store::new(settings);
        let senders = senders(store.settings(), channel);
        Self { pipe, capacity, store, fault: None, drained_at: None, tap: None, rewritten, channel, senders }
    }

    /// Returns the log of this pump, for the pump of the other output to [join](Self::join), where lines are rewritten.
    pub fn shared(&self) -> Option<Shared> {
        self.rewritten.as_ref().map(|log| Shared(Rc::clone(&log.writer)))
    }

    /// Writes to another pump's log from now on, as stderr.
    pub fn join(&mut self, Shared(writer): Shared) {
        if self.rewritten.as_ref().is_some_and(|log| Rc::ptr_eq(&log.writer, &writer)) {
            return;
        }
        if let Some(now) = self.drained_at {
            self.end_line(now);
        }
        self.store.set(writer.borrow_mut().store().settings().clone());
        self.rewritten = Some(Rewritten { writer, channel: Channel::Err });
    }

    /// Opens the log before anything is written, so that what is wrong with it is known early.
    ///
    /// # Errors
    ///
    /// Why the log cannot be opened. The pump stays usable: it tries again with the first output.
    pub fn open(&mut self, now: Timestamp) -> Result<(), FileError> {
        match &self.rewritten {
            // What a predecessor left may fill a file; nobody counts that.
            Some(log) => log.writer.borrow_mut().ready(now, &mut 0),
            None => self.store.ready(now),
        }
    }

    /// Goes on with what a predecessor took and did not write, where lines are rewritten.
    pub fn resume(&mut self, now: Timestamp) {
        if let Some(log) = &self.rewritten {
            // What is wrong is told by the next drain, which finds the same.
            let _ = log.writer.borrow_mut().ready(now, &mut 0);
        }
    }

    /// Writes and sends an unfinished line that was held back, because its process has ended.
    pub fn end_line(&mut self, now: Timestamp) {
        for sender in &mut self.senders {
            sender.end_line(now);
            // The next drain comes back to what cannot be sent now.
            let _ = sender.flush(now);
        }
        if let Some(Rewritten { writer, channel }) = &self.rewritten {
            let mut writer = writer.borrow_mut();
            // It stays in the spool otherwise, before the next one.
            let _ = writer.ready(now, &mut 0).and_then(|()| writer.write_out(*channel, true, now, &mut 0));
        }
    }

    /// Returns where the log lies and how much of it is kept.
    pub fn settings(&self) -> &Settings {
        self.store.settings()
    }

    /// Uses other settings from the next byte on.
    pub fn set(&mut self, settings: Settings) {
        let was = self.settings();
        if was.receivers != settings.receivers {
            self.senders = senders(&settings, self.channel);
        }
        let was = self.settings();
        let same_log = was.path == settings.path && was.form == settings.form;
        match self.rewritten.take() {
            Some(log) if same_log => {
                log.writer.borrow_mut().set(settings.clone());
                self.rewritten = Some(log);
            }
            left => {
                self.rewritten = left;
                if let Some(now) = self.drained_at {
                    self.end_line(now);
                }
                self.rewritten = rewritten(&settings, self.channel);
            }
        }
        self.store.set(settings);
    }

    /// Watches what is written from now on for a line; replaces an earlier watch.
    ///
    /// What still lies in the pipe belongs to what is watched: drain before a new process is launched.
    pub fn watch(&mut self, tap: Tap) {
        self.tap = Some(Box::new(tap));
    }

    /// Watches as [`Pump::watch`], beginning with what was written at `since` or later: for a successor whose
    /// predecessor may have written the line already. Returns whether it did; the watch is over then.
    ///
    /// # Errors
    ///
    /// The log exists and cannot be read; it is watched from now on all the same.
    pub fn watch_since(&mut self, mut tap: Tap, since: Timestamp) -> std::io::Result<bool> {
        let query = Query { since: Some(since), ..Query::default() };
        let reader = Reader::open(std::slice::from_ref(&self.settings().path), &query);
        let matched = reader
            .map(|mut lines| lines.any(|line| tap.feed(&line.bytes) || (!line.partial && tap.feed(b"\n"))));
        if !matches!(matched, Ok(true)) {
            self.watch(tap);
        }
        matched
    }

    /// Stops watching.
    pub fn unwatch(&mut self) {
        self.tap = None;
    }

    /// Moves what lies in the pipe into the log; `now` is the wall-clock time.
    ///
    /// Never blocks but for the disk, never fails: what goes wrong is in the report.
    pub fn drain(&mut self, now: Timestamp) -> Report {
        let mut report = Report {
            bytes: 0,
            lost: 0,
            rotated: 0,
            matched: false,
            notices: Vec::new(),
            send: None,
            next: Next::Readable,
        };
        if self.fault.as_ref().is_some_and(|fault| apart(fault.tried, now) < RETRY) {
            self.make_room(now, &mut report);
        } else if let Err(error) = self.fill(now, &mut report) {
            self.fail(error, now, &mut report);
            self.make_room(now, &mut report);
        }
        report.send = self.senders.iter_mut().filter_map(|sender| sender.flush(now)).min();
        let news = self.senders.iter_mut().flat_map(Sender::news);
        report.notices.extend(news.map(Notice::Sending));
        report.next = self.next(now, &report);
        self.drained_at = Some(now);
        report
    }

    /// Writes what waits in the pipe, and what comes meanwhile as long as that is much, within the budget.
    fn fill(&mut self, now: Timestamp, report: &mut Report) -> Result<(), FileError> {
        let mut waiting = self.waiting();
        if waiting == 0 && self.fault.as_ref().is_none_or(|fault| fault.lost == 0) {
            return Ok(());
        }
        if let Some(log) = self.rewritten.clone() {
            return self.fill_lines(&log, waiting, now, report);
        }
        self.store.ready(now)?;
        self.tell_gap(now, report)?;
        let found = waiting;
        while waiting > 0 && report.bytes < BUDGET && (report.bytes < found || waiting >= WORTHWHILE) {
            let start = self.store.end();
            let (count, rotate) = match self.cut(waiting) {
                Cut::Take(count) => (count, false),
                Cut::TakeThenRotate(count) => (count, true),
                Cut::Rotate => (0, true),
            };
            if count > 0 {
                let moved = self.store.take(self.pipe.as_fd(), count.min(PIECE), now)?;
                if moved == 0 {
                    break;
                }
                report.bytes += moved;
                self.resume_after_fault(report);
                self.look(start, now, report);
                if moved < count {
                    waiting = self.waiting();
                    continue;
                }
            }
            if rotate {
                self.store.rotate(now)?;
                report.rotated += 1;
            }
            waiting = self.waiting();
        }
        Ok(())
    }

    /// Does the same where lines are rewritten.
    fn fill_lines(
        &mut self,
        log: &Rewritten,
        mut waiting: u64,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<(), FileError> {
        log.writer.borrow_mut().ready(now, &mut report.rotated)?;
        self.tell_gap(now, report)?;
        if self.fault.is_some() {
            // Before more is taken: a spool must not grow while the log cannot be written.
            log.writer.borrow_mut().write_out(log.channel, false, now, &mut report.rotated)?;
        }
        let found = waiting;
        while waiting > 0 && report.bytes < BUDGET && (report.bytes < found || waiting >= WORTHWHILE) {
            let mut writer = log.writer.borrow_mut();
            let (tap, senders, mut matched) = (&mut self.tap, &mut self.senders, false);
            let moved = writer.take(log.channel, self.pipe.as_fd(), waiting.min(PIECE), |piece| {
                senders.iter_mut().for_each(|sender| sender.feed(piece, now));
                matched |= tap.as_mut().is_some_and(|tap| !matched && tap.feed(piece));
            })?;
            if moved == 0 {
                break;
            }
            report.bytes += moved;
            if matched {
                self.tap = None;
                report.matched = true;
            }
            writer.write_out(log.channel, false, now, &mut report.rotated)?;
            drop(writer);
            self.resume_after_fault(report);
            waiting = self.waiting();
        }
        Ok(())
    }

    /// Decides how much of the waiting bytes goes into this file.
    fn cut(&self, waiting: u64) -> Cut {
        let room = self.store.room();
        if waiting <= room {
            return Cut::Take(waiting);
        }
        // Without a look at the bytes the line would be cut at an arbitrary place: that is the lesser evil
        // when there are no descriptors left to look with.
        let seen = self.peek().unwrap_or_default();
        let beyond = self.store.end().saturating_sub(self.settings().max_size.0);
        let longest = LONGEST_LINE.saturating_sub(beyond);
        if seen.is_empty() {
            return if longest == 0 { Cut::Rotate } else { Cut::Take(waiting) };
        }
        cut(&seen, room, longest, self.store.end() == 0, self.store.at_line_start())
    }

    /// Copies the first bytes of the pipe without taking them.
    fn peek(&self) -> rustix::io::Result<Vec<u8>> {
        let (from, to) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let count = tee(&self.pipe, &to, PEEK, SpliceFlags::NONBLOCK)?;
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match read(&from, &mut bytes[filled..])? {
                0 => break,
                more => filled += more,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Shows the watch and the senders what was just written.
    fn look(&mut self, start: u64, now: Timestamp, report: &mut Report) {
        let (tap, senders) = (&mut self.tap, &mut self.senders);
        if tap.is_none() && senders.is_empty() {
            return;
        }
        let mut matched = false;
        self.store.show(start, |piece| {
            senders.iter_mut().for_each(|sender| sender.feed(piece, now));
            matched = matched || tap.as_mut().is_some_and(|tap| tap.feed(piece));
            matched && senders.is_empty()
        });
        if matched {
            self.tap = None;
            report.matched = true;
        }
    }

    /// Puts the line about discarded output into the log, when there was any.
    fn tell_gap(&mut self, now: Timestamp, report: &mut Report) -> Result<(), FileError> {
        if self.fault.is_none()
            && let Some(Gap { lost, since, at }) = self.log(|store| store.untold_gap())
        {
            self.fault = Some(Fault { since, tried: now, lost, at, seen: 0, rest: LINGER });
        }
        let Some(Fault { since, lost, .. }) = self.fault.as_ref().filter(|fault| fault.lost > 0) else {
            return Ok(());
        };
        let text = format!(
            "[svc: {lost} bytes of output are missing here, from {} to {}: the log could not be written]",
            in_seconds(*since),
            in_seconds(now)
        );
        match &self.rewritten {
            Some(log) => {
                let mut writer = log.writer.borrow_mut();
                writer.write_out(log.channel, true, now, &mut report.rotated)?;
                writer.tell(&text, now)?;
            }
            None => self.store.put_line(&text, now)?,
        }
        self.resume_after_fault(report);
        Ok(())
    }

    /// Ends a fault.
    fn resume_after_fault(&mut self, report: &mut Report) {
        if let Some(Fault { since, lost, .. }) = self.fault.take() {
            self.log(|store| store.keep_gap(None));
            report.notices.push(Notice::Resumed { since, lost });
        }
    }

    /// Begins a fault, or notes that it goes on.
    fn fail(&mut self, error: FileError, now: Timestamp, report: &mut Report) {
        match &mut self.fault {
            Some(fault) => fault.tried = now,
            None => {
                let at = self.log(|store| store.end());
                self.fault = Some(Fault { since: now, tried: now, lost: 0, at, seen: 0, rest: LINGER });
                report.notices.push(Notice::Failed(error));
            }
        }
    }

    /// Discards what waits in the pipe before it fills it up.
    fn make_room(&mut self, now: Timestamp, report: &mut Report) {
        if self.fault.is_none() {
            return;
        }
        let waiting = ioctl_fionread(&self.pipe).unwrap_or(0);
        if waiting < self.capacity as u64 / 4 {
            return;
        }
        let lost = discard(self.pipe.as_fd(), waiting);
        let at = self.log(|store| store.end());
        let Some(fault) = &mut self.fault else { return };
        report.lost += lost;
        fault.lost += lost;
        fault.at = at;
        let gap = Gap { lost: fault.lost, since: fault.since, at: fault.at };
        // A file that could not be opened has no index to keep the count in.
        self.log(|store| {
            if store.ready(now).is_ok() {
                store.keep_gap(Some(gap));
            }
        });
    }

    /// Says when to come back: at once, when the pipe is about half full again, or when it is readable.
    ///
    /// A pipe that may be full comes after a breath: its writer fills a part of it meanwhile.
    fn next(&mut self, now: Timestamp, report: &Report) -> Next {
        if let Some(rest) = self.rest_of_fault(report.lost) {
            return Next::After(rest);
        }
        if report.bytes >= BUDGET {
            return Next::After(Duration::ZERO);
        }
        if report.bytes == 0 {
            return if self.is_closed() { Next::Closed } else { Next::Readable };
        }
        Next::After(self.pace(now, report.bytes, LINGER).max(BREATH))
    }

    /// Returns how long the pipe may be left alone while writing does not work, unless nothing is to be done.
    ///
    /// Output that stands still is looked at more and more rarely, down to the pace of the retries.
    fn rest_of_fault(&mut self, lost_now: u64) -> Option<Duration> {
        let waiting = self.waiting();
        let fault = self.fault.as_mut()?;
        if fault.lost == 0 && waiting == 0 {
            return None;
        }
        fault.rest = match lost_now {
            0 if waiting == fault.seen => (fault.rest * 2).min(RETRY),
            0 => LINGER,
            _ => Duration::from_millis(1),
        };
        fault.seen = waiting;
        Some(fault.rest)
    }

    /// Returns the time in which the pipe becomes half full at the rate of late, at most `longest`.
    ///
    /// Enlarges the pipe of a service for which that is too short to rest at all.
    fn pace(&mut self, now: Timestamp, bytes: u64, longest: Duration) -> Duration {
        let half = self.capacity as u64 / 2;
        let elapsed = self.drained_at.map_or(longest, |before| apart(before, now));
        let nearly_full = bytes >= half + half / 2;
        let wait = if nearly_full && elapsed >= Duration::from_millis(1) && bytes <= 2 * half {
            // It may have been blocked, so its rate is not known.
            Duration::ZERO
        } else if bytes == 0 {
            longest
        } else {
            elapsed.mul_f64(half as f64 / bytes as f64).min(longest)
        };
        if wait < Duration::from_millis(2)
            && self.capacity < LARGE_PIPE
            && let Ok(larger) = fcntl_setpipe_size(&self.pipe, LARGE_PIPE)
        {
            self.capacity = larger;
        }
        wait
    }

    /// Asks or tells the log something.
    fn log<T>(&mut self, ask: impl FnOnce(&mut Store) -> T) -> T {
        match &self.rewritten {
            Some(log) => ask(log.writer.borrow_mut().store()),
            None => ask(&mut self.store),
        }
    }

    fn waiting(&self) -> u64 {
        ioctl_fionread(&self.pipe).unwrap_or(0)
    }

    fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        let polled = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        polled == Ok(1) && fds[0].revents() & (PollFlags::IN | PollFlags::HUP) == PollFlags::HUP
    }
}

impl AsRawFd for Pump {
    fn as_raw_fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}

impl std::os::fd::AsFd for Pump {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

fn senders(settings: &Settings, channel: Channel) -> Vec<Sender> {
    settings.receivers.iter().map(|receiver| Sender::new(receiver.clone(), channel)).collect()
}

fn rewritten(settings: &Settings, channel: Channel) -> Option<Rewritten> {
    let form = settings.form.clone()?;
    Some(Rewritten { writer: Rc::new(RefCell::new(Rewriter::new(settings.clone(), form))), channel })
}

/// Decides where a file that has `room` bytes left ends, given the first bytes of the pipe.
///
/// `longest` is how far a line may still go on beyond the file's size.
fn cut(seen: &[u8], room: u64, longest: u64, empty: bool, at_line_start: bool) -> Cut {
    let length = seen.len() as u64;
    if length <= room {
        return Cut::Take(length);
    }
    let fitting = usize::try_from(room).map_or(seen, |room| &seen[..room]);
    if let Some(last) = memrchr(b'\n', fitting) {
        return Cut::TakeThenRotate(last as u64 + 1);
    }
    if at_line_start && !empty {
        return Cut::Rotate;
    }
    let longest = room.saturating_add(longest);
    match memchr(b'\n', seen) {
        Some(end) if (end as u64) < longest => Cut::TakeThenRotate(end as u64 + 1),
        _ if length < longest => Cut::Take(length),
        _ if longest == 0 => Cut::Rotate,
        _ => Cut::TakeThenRotate(longest),
    }
}

/// Throws away up to `count` bytes of a pipe and returns how many.
fn discard(pipe: BorrowedFd<'_>, count: u64) -> u64 {
    let Ok(null) = open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) else {
        return discard_by_reading(pipe, count);
    };
    let mut discarded = 0;
    while discarded < count {
        let rest = usize::try_from(count - discarded).unwrap_or(usize::MAX);
        match splice(pipe, None, &null, None, rest, SpliceFlags::NONBLOCK) {
            Ok(0) | Err(_) => break,
            Ok(moved) => discarded += moved as u64,
        }
    }
    discarded
}

/// Does the same where there is no `/dev/null`.
fn discard_by_reading(pipe: BorrowedFd<'_>, count: u64) -> u64 {
    let mut buffer = [0; 4096];
    let mut discarded = 0;
    while discarded < count {
        match read(pipe, &mut buffer) {
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => break,
            Ok(read) => discarded += read as u64,
        }
    }
    discarded
}

/// Returns how far apart two times are, whichever comes first: clocks are set back at times.
fn apart(a: Timestamp, b: Timestamp) -> Duration {
    b.duration_since(a).unsigned_abs()
}

/// Cuts a time to whole seconds.
fn in_seconds(time: Timestamp) -> Timestamp {
    time - SignedDuration::from_nanos(i64::from(time.subsec_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_at_the_last_line_end_that_fits() {
        assert_eq!(cut(b"aa\nbb\ncc\n", 100, 100, true, true), Cut::Take(9));
        assert_eq!(cut(b"aa\nbb\ncc\n", 9, 100, true, true), Cut::Take(9));
        assert_eq!(cut(b"aa\nbb\ncc\n", 8, 100, true, true), Cut::TakeThenRotate(6));
        assert_eq!(cut(b"aa\nbb\ncc\n", 3, 100, true, true), Cut::TakeThenRotate(3));
    }

    #[test]
    fn a_line_that_does_not_fit_begins_the_next_file() {
        assert_eq!(cut(b"aaaa\n", 3, 100, false, true), Cut::Rotate);
        assert_eq!(cut(b"aaaa\n", 0, 100, false, true), Cut::Rotate);
    }

    #[test]
    fn a_line_that_has_begun_is_finished_beyond_the_size() {
        assert_eq!(cut(b"aaaa\nb", 3, 100, false, false), Cut::TakeThenRotate(5));
        assert_eq!(cut(b"aaaa\nb", 3, 100, true, true), Cut::TakeThenRotate(5));
        assert_eq!(cut(b"aaaaaa", 3, 100, false, false), Cut::Take(6));
    }

    #[test]
    fn a_line_without_end_is_split_at_its_bound() {
        assert_eq!(cut(b"aaaaaa", 2, 3, false, false), Cut::TakeThenRotate(5));
        assert_eq!(cut(b"aaaaaa", 0, 0, false, false), Cut::Rotate);
        assert_eq!(cut(b"aaaaaa\n", 2, 3, false, false), Cut::TakeThenRotate(5));
    }
}
