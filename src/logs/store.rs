//! The log file being written: opening it, moving bytes into it, and where it ends.
//!
//! Knows nothing of faults and pace; the pump decides what follows from an error.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{fstat, ftruncate, stat};
use rustix::io::{Errno, pread, pwrite};
use rustix::pipe::{SpliceFlags, splice};

use crate::base::Size;
use crate::logs::file::{FileError, open_private};
use crate::logs::index;
use crate::logs::index::{Entry, Gap};
use crate::logs::rewrite::Form;
use crate::logs::rotate;
use crate::logs::send::Receiver;

/// Where a log lies and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file that is written.
    pub path: PathBuf,
    /// The size at which it is rotated; zero for never.
    pub max_size: Size,
    /// How many rotated files are kept besides it.
    pub keep: u32,
    /// What its lines are; `None` for what the service wrote.
    pub form: Option<Form>,
    /// Who is sent each line besides.
    pub receivers: Vec<Receiver>,
}

/// How often somebody else's renaming of the file is looked for.
const LOOK_EVERY_SECONDS: i64 = 1;

/// A log file with its index, open once something is to be written.
#[derive(Debug)]
pub(crate) struct Store {
    settings: Settings,
    open: Option<Open>,
}

/// The open file; its end is where the next byte goes.
#[derive(Debug)]
struct Open {
    file: OwnedFd,
    inode: u64,
    end: u64,
    index: Option<index::Writer>,
    looked: Timestamp,
}

impl Store {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, open: None }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Uses other settings from now on; another path is opened at the next write.
    pub(crate) fn set(&mut self, settings: Settings) {
        if settings.path != self.settings.path {
            self.open = None;
        }
        self.settings = settings;
    }

    /// Opens the file, or looks whether the one that is open is still the log and as long as it was.
    pub(crate) fn ready(&mut self, now: Timestamp) -> Result<(), FileError> {
        if let Some(open) = &mut self.open
            && open.is_still(&self.settings, now)
        {
            return Ok(());
        }
        self.open = None;
        let (file, found) = open_private(&self.settings.path)?;
        let end = u64::try_from(found.st_size).unwrap_or_default();
        let index = index::Writer::open(&self.settings.path, found.st_ino, end);
        self.open = Some(Open { file, inode: found.st_ino, end, index, looked: now });
        Ok(())
    }

    /// Returns how many bytes fit before the file is full.
    pub(crate) fn room(&self) -> u64 {
        match self.settings.max_size.0 {
            0 => u64::MAX,
            max => max.saturating_sub(self.end()),
        }
    }

    /// Returns the size of the open file; zero when none is open.
    pub(crate) fn end(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.end)
    }

    /// Moves up to `count` bytes from the pipe to the end of the file and returns how many it moved.
    pub(crate) fn take(
        &mut self,
        pipe: BorrowedFd<'_>,
        count: u64,
        now: Timestamp,
    ) -> Result<u64, FileError> {
        let path = &self.settings.path;
        let Some(open) = &mut self.open else { return Ok(0) };
        if let Some(index) = &mut open.index {
            index.note(path, Entry { offset: open.end, time: now });
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(1 << 30);
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        // On success the kernel moves `end` on by what it took from the pipe, in one act as far as a
        // SIGKILL can tell: it dies before or after the call, and a successor finds the end in the file.
        match splice(pipe, None, &open.file, Some(&mut open.end), count, flags) {
            Ok(moved) => Ok(moved as u64),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(source) => Err(FileError::Write { path: path.clone(), source }),
        }
    }

    /// Writes a line of svc's own at the end of the file, on a line by itself, wholly or not at all.
    pub(crate) fn put_line(&mut self, text: &str, now: Timestamp) -> Result<(), FileError> {
        let line = if self.at_line_start() { format!("{text}\n") } else { format!("\n{text}\n") };
        self.put(line.as_bytes(), now)
    }

    /// Writes bytes at the end of the file, wholly or, unless it is killed meanwhile, not at all.
    pub(crate) fn put(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), FileError> {
        let path = &self.settings.path;
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(index) = &mut open.index {
            index.note(path, Entry { offset: open.end, time: now });
        }
        let source = match pwrite(&open.file, bytes, open.end) {
            Ok(written) if written == bytes.len() => {
                open.end += bytes.len() as u64;
                return Ok(());
            }
            Ok(_) => Errno::NOSPC,
            Err(source) => source,
        };
        let _ = ftruncate(&open.file, open.end);
        Err(FileError::Write { path: path.clone(), source })
    }

    /// Returns the inode of the open file; zero when none is open.
    pub(crate) fn inode(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.inode)
    }

    /// Drops what stands behind `end`.
    pub(crate) fn cut_back(&mut self, end: u64) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        ftruncate(&open.file, end)
            .map_err(|source| FileError::Write { path: self.settings.path.clone(), source })?;
        open.end = end;
        if let Some(index) = &mut open.index {
            index.forget_beyond(end);
        }
        Ok(())
    }

    /// Returns whether the next byte begins a line.
    pub(crate) fn at_line_start(&self) -> bool {
        let Some(open) = &self.open else { return true };
        let mut last = [0];
        open.end == 0 || (pread(&open.file, &mut last, open.end - 1) == Ok(1) && last == *b"\n")
    }

    /// Shows the bytes from `start` to the end, in pieces, until `show` returns true.
    pub(crate) fn show(&self, mut start: u64, mut show: impl FnMut(&[u8]) -> bool) -> bool {
        let Some(open) = &self.open else { return false };
        let mut buffer = [0; 8192];
        while start < open.end {
            let wanted =
                usize::try_from(open.end - start).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            match pread(&open.file, &mut buffer[..wanted], start) {
                Ok(0) | Err(_) => return false,
                Ok(read) if show(&buffer[..read]) => return true,
                Ok(read) => start += read as u64,
            }
        }
        false
    }

    /// Moves the full file away; the next write opens a new one.
    pub(crate) fn rotate(&mut self, now: Timestamp) -> Result<(), FileError> {
        rotate::shift(&self.settings.path, self.settings.keep)?;
        self.open = None;
        self.ready(now)
    }

    /// Returns what a predecessor lost and has not told in the file.
    pub(crate) fn untold_gap(&self) -> Option<Gap> {
        let open = self.open.as_ref()?;
        // A file longer than it was then holds the line that tells it: only the note is left to clear.
        open.index.as_ref()?.gap().filter(|gap| gap.at == open.end)
    }

    /// Keeps in the index, for a successor, what was lost and is not yet told.
    pub(crate) fn keep_gap(&mut self, gap: Option<Gap>) {
        if let Some(index) = self.open.as_mut().and_then(|open| open.index.as_mut())
            && index.gap() != gap
        {
            index.set_gap(gap);
        }
    }
}

impl Open {
    /// Returns whether this is still the file at its path; goes back to its end when it was truncated.
    fn is_still(&mut self, settings: &Settings, now: Timestamp) -> bool {
        let Ok(found) = fstat(&self.file) else { return false };
        if found.st_nlink == 0 {
            return false;
        }
        let size = u64::try_from(found.st_size).unwrap_or_default();
        if size < self.end {
            self.end = size;
            if let Some(index) = &mut self.index {
                index.forget_beyond(size);
            }
        }
        if now.duration_since(self.looked).as_secs().abs() < LOOK_EVERY_SECONDS {
            return true;
        }
        self.looked = now;
        stat(&settings.path).is_ok_and(|there| there.st_ino == self.inode && there.st_dev == found.st_dev)
    }
}
