//! Logs whose lines are rewritten: with the time before them, or as JSON objects.
//!
//! The bytes have to pass through this process, and a kill between reading and writing would lose
//! them, between writing and forgetting them double them. So they go from the pipe into a spool with
//! splice(2), and from there into the log, and a small file of state says how far:
//!
//! ```text
//!  0  8  magic "svclines"            40  8  void part of the spool of stdout, or all ones
//!  8  8  inode of the log            48  8  as 32, of stderr
//! 16  8  its size                    56  8  as 40, of stderr
//! 24  8  zero
//! 32  8  how much of the spool of stdout is in the log
//! ```
//!
//! It is written after the lines, by one call within one page: a SIGKILL falls before or after it.
//! Whoever opens the log cuts it back to the size of the state and writes out once more what follows in the
//! spools. So a line is never lost, doubled or torn, whoever is killed when. The state of a log that was
//! rotated or replaced is void by its inode, and nothing was written to the new one yet.
//!
//! A line longer than [`LONGEST_LINE`] becomes several; the unfinished line of a process that has ended
//! becomes one.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use jiff::Timestamp;
use memchr::memchr;
use rustix::io::{Errno, pread, pwrite};

use crate::logs::file::{FileError, open_private};
use crate::logs::name::Channel;
use crate::logs::spool::{self, Progress, Spool};
use crate::logs::store::{Settings, Store};

/// A longer line becomes several.
pub const LONGEST_LINE: usize = 64 * 1024;

/// As much of a spool is looked at at once: more than one line.
const BLOCK: usize = 4 * LONGEST_LINE;

const MAGIC: [u8; 8] = *b"svclines";
const STATE: usize = 64;
const NONE: u64 = u64::MAX;

/// What the lines of a log are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// How a line is written.
    pub shape: Shape,
    /// The instance that wrote it.
    pub instance: String,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The time in UTC, as in RFC 3339 with milliseconds, a blank and the line.
    Timed,
    /// A JSON object with `time`, `instance`, `stream` and `message`; `partial` where the line end is
    /// missing. What is no UTF-8 is replaced.
    Json,
}

/// A log whose lines are rewritten, written by the pumps of one or both outputs of an instance.
#[derive(Debug)]
pub(crate) struct Rewriter {
    form: Form,
    store: Store,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: OwnedFd,
    inode: u64,
    end: u64,
    spools: [Spool; 2],
}

/// What goes on in one call.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    bytes: &'a [u8],
    partial: bool,
}

impl Rewriter {
    pub(crate) fn new(settings: Settings, form: Form) -> Self {
        Self { form, store: Store::new(settings), open: None }
    }

    /// Returns the log, to be asked about gaps.
    pub(crate) fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Uses other settings for the same log and form from now on.
    pub(crate) fn set(&mut self, settings: Settings) {
        self.store.set(settings);
    }

    /// Opens the log, and goes on where its last writer stopped.
    pub(crate) fn ready(&mut self, now: Timestamp, rotated: &mut u32) -> Result<(), FileError> {
        self.store.ready(now)?;
        if self.open.is_some() {
            return Ok(());
        }
        let log = self.store.settings().path.clone();
        let (file, _) = open_private(&spool::path(&log, ".state"))?;
        let state = State::read(&file);
        if state.inode == self.store.inode() && state.end < self.store.end() {
            self.store.cut_back(state.end)?;
        }
        let [out, err] = state.progress;
        let spools = [spool(&log, Channel::Out, out)?, spool(&log, Channel::Err, err)?];
        self.open = Some(Open { file, inode: 0, end: 0, spools });
        self.commit()?;
        for channel in Channel::BOTH {
            self.write_out(channel, false, now, rotated)?;
        }
        Ok(())
    }

    /// Moves up to `count` bytes from a pipe into the spool and returns how many it moved. Shows them to `show`.
    pub(crate) fn take(
        &mut self,
        channel: Channel,
        pipe: BorrowedFd<'_>,
        count: u64,
        mut show: impl FnMut(&[u8]),
    ) -> Result<u64, FileError> {
        let Some(open) = &mut self.open else { return Ok(0) };
        let spool = &mut open.spools[channel as usize];
        let mut at = spool.end();
        let moved = spool.take(pipe, count)?;
        let mut buffer = [0; 8192];
        while at < spool.end() {
            let read = spool.read(&mut buffer, at)?;
            if read == 0 {
                break;
            }
            show(&buffer[..read]);
            at += read as u64;
        }
        Ok(moved)
    }

    /// Writes the lines of a spool into the log, with `all` an unfinished one too.
    pub(crate) fn write_out(
        &mut self,
        channel: Channel,
        all: bool,
        now: Timestamp,
        rotated: &mut u32,
    ) -> Result<(), FileError> {
        let mut block = vec![0; BLOCK];
        let mut text = Vec::new();
        while let Some(open) = &self.open {
            let spool = &open.spools[channel as usize];
            let start = spool.progress.start;
            let read = spool.read(&mut block, start)?;
            let mut rest = &block[..read];
            let mut taken = 0;
            while let Some((piece, length)) = next(rest, all) {
                let before = text.len();
                self.form.write(piece, word(channel), now, &mut text);
                let full = self.store.room() < text.len() as u64;
                if full && before > 0 {
                    let line = text.split_off(before);
                    self.put(channel, start + taken, &text, now)?;
                    text = line;
                }
                if full && self.store.end() > 0 {
                    self.store.rotate(now)?;
                    *rotated += 1;
                    self.commit()?;
                }
                taken += length as u64;
                rest = &rest[length..];
            }
            if taken == 0 {
                break;
            }
            self.put(channel, start + taken, &text, now)?;
            text.clear();
        }
        self.renew(channel)
    }

    /// Writes a line of svc's own.
    pub(crate) fn tell(&mut self, text: &str, now: Timestamp) -> Result<(), FileError> {
        let mut line = Vec::new();
        self.form.write(Piece { bytes: text.as_bytes(), partial: false }, "svc", now, &mut line);
        self.settle()?;
        self.store.put(&line, now)?;
        self.commit()
    }

    /// Writes lines, then that they are written.
    fn put(&mut self, channel: Channel, start: u64, text: &[u8], now: Timestamp) -> Result<(), FileError> {
        self.settle()?;
        let end = self.store.end();
        self.store.put(text, now)?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let progress = &mut open.spools[channel as usize].progress;
        let before = std::mem::replace(progress, Progress { start, cut: None });
        if let Err(error) = self.commit() {
            if let Some(open) = &mut self.open {
                open.spools[channel as usize].progress = before;
            }
            let _ = self.store.cut_back(end);
            return Err(error);
        }
        Ok(())
    }

    /// Lets the state follow a log that somebody else has replaced or truncated, before it is written to.
    fn settle(&mut self) -> Result<(), FileError> {
        let found = (self.store.inode(), self.store.end());
        match &self.open {
            Some(open) if (open.inode, open.end) != found => self.commit(),
            _ => Ok(()),
        }
    }

    /// Writes the state.
    fn commit(&mut self) -> Result<(), FileError> {
        let (inode, end) = (self.store.inode(), self.store.end());
        let Some(open) = &mut self.open else { return Ok(()) };
        let [out, err] = &open.spools;
        let bytes = State { inode, end, progress: [out.progress, err.progress] }.encode();
        let source = match pwrite(&open.file, &bytes, 0) {
            Ok(STATE) => {
                (open.inode, open.end) = (inode, end);
                return Ok(());
            }
            Ok(_) => Errno::NOSPC,
            Err(source) => source,
        };
        Err(FileError::Write { path: spool::path(&self.store.settings().path, ".state"), source })
    }

    /// Keeps a spool small.
    fn renew(&mut self, channel: Channel) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.spools[channel as usize].renew()? {
            self.commit()?;
            if let Some(open) = &mut self.open {
                open.spools[channel as usize].cut()?;
            }
            self.commit()?;
        }
        Ok(())
    }
}

fn spool(log: &Path, channel: Channel, progress: Progress) -> Result<Spool, FileError> {
    Spool::open(spool::path(log, if channel == Channel::Out { ".out" } else { ".err" }), progress)
}

fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Out => "stdout",
        Channel::Err => "stderr",
    }
}

/// Returns the first line of a text, without its end, and how long it is with it; `None` when there is no whole one.
fn next(text: &[u8], all: bool) -> Option<(Piece<'_>, usize)> {
    let seen = &text[..text.len().min(LONGEST_LINE)];
    match memchr(b'\n', seen) {
        Some(end) => {
            let bytes = seen[..end].strip_suffix(b"\r").unwrap_or(&seen[..end]);
            Some((Piece { bytes, partial: false }, end + 1))
        }
        None if seen.len() == LONGEST_LINE || (all && !seen.is_empty()) => {
            Some((Piece { bytes: seen, partial: true }, seen.len()))
        }
        None => None,
    }
}

impl Form {
    /// Appends a line in this form, with its end.
    fn write(&self, piece: Piece<'_>, stream: &str, now: Timestamp, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Timed => {
                out.extend_from_slice(format!("{now:.3} ").as_bytes());
                out.extend_from_slice(piece.bytes);
            }
            Shape::Json => object(&self.instance, Some(stream), piece, now, out),
        }
        out.push(b'\n');
    }
}

/// Returns a line as a JSON object for a receiver; `channel` is absent where it is not known.
pub(crate) fn message(instance: &str, channel: Option<Channel>, line: &[u8], now: Timestamp) -> Vec<u8> {
    let mut out = Vec::new();
    object(instance, channel.map(word), Piece { bytes: line, partial: false }, now, &mut out);
    out
}

fn object(instance: &str, stream: Option<&str>, piece: Piece<'_>, now: Timestamp, out: &mut Vec<u8>) {
    let message = String::from_utf8_lossy(piece.bytes);
    let object = Object { time: format!("{now:.3}"), instance, stream, message, partial: piece.partial };
    serde_json::to_writer(out, &object).expect("strings can be written to a vector");
}

/// A line as a JSON object.
#[derive(Debug, serde::Serialize)]
struct Object<'a> {
    time: String,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    message: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

/// How far a log was written, for whoever opens it next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    inode: u64,
    end: u64,
    progress: [Progress; 2],
}

impl State {
    /// Reads the state; nothing was written when there is none.
    fn read(file: &OwnedFd) -> Self {
        let mut bytes = [0; STATE];
        if pread(file, &mut bytes, 0) != Ok(STATE) || !bytes.starts_with(&MAGIC) {
            return Self::default();
        }
        let words = bytes.as_chunks::<8>().0;
        let word = |at: usize| u64::from_le_bytes(words[at]);
        let progress =
            |at: usize| Progress { start: word(at), cut: Some(word(at + 1)).filter(|&cut| cut != NONE) };
        Self { inode: word(1), end: word(2), progress: [progress(4), progress(6)] }
    }

    fn encode(self) -> [u8; STATE] {
        let mut bytes = [0; STATE];
        let [out, err] = self.progress;
        let (out_cut, err_cut) = (out.cut.unwrap_or(NONE), err.cut.unwrap_or(NONE));
        let words = [self.inode, self.end, 0, out.start, out_cut, err.start, err_cut];
        bytes[..8].copy_from_slice(&MAGIC);
        for (place, word) in bytes[8..].as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let progress = [Progress { start: 7, cut: Some(0) }, Progress { start: 9, cut: None }];
        let state = State { inode: 3, end: 5, progress };
        let file = tempfile::tempfile().expect("a file");
        pwrite(&file, &state.encode(), 0).expect("writable");
        assert_eq!(State::read(&file.into()), state);
    }

    #[test]
    fn lines_become_objects_whatever_their_bytes() {
        let form = |shape| Form { shape, instance: "web.0".to_owned() };
        let now = Timestamp::from_millisecond(1_700_000_000_120).expect("in range");
        let mut out = Vec::new();
        form(Shape::Json).write(
            Piece { bytes: b"a \"b\" \xff\x1b", partial: false },
            "stderr",
            now,
            &mut out,
        );
        form(Shape::Json).write(Piece { bytes: b"rest", partial: true }, "stdout", now, &mut out);
        form(Shape::Timed).write(Piece { bytes: b"a\xff", partial: false }, "stdout", now, &mut out);
        insta::assert_snapshot!(String::from_utf8_lossy(&out), @r#"
        {"time":"2023-11-14T22:13:20.120Z","instance":"web.0","stream":"stderr","message":"a \"b\" �\u001b"}
        {"time":"2023-11-14T22:13:20.120Z","instance":"web.0","stream":"stdout","message":"rest","partial":true}
        2023-11-14T22:13:20.120Z a�
        "#);
    }
}
