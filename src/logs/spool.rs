//! What was taken from a pipe and is not yet in a log whose lines are rewritten.
//!
//! Bytes get from the pipe into this file by splice(2), so they are always in one of the two.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::ftruncate;
use rustix::io::{Errno, pread, pwrite};
use rustix::pipe::{SpliceFlags, splice};

use crate::logs::file::{FileError, open_private};

/// When this much of the file is written out, what is left is moved to its beginning.
const WORN: u64 = 1 << 20;

/// How far a spool was written out, as its log's state tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What stands before is in the log.
    pub(crate) start: u64,
    /// What stands behind is void: it was moved, and the file has still to be cut.
    pub(crate) cut: Option<u64>,
}

/// An open spool.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: OwnedFd,
    pub(crate) progress: Progress,
    end: u64,
}

impl Spool {
    /// Opens the file and brings it to where its last owner wanted it.
    pub(crate) fn open(path: PathBuf, progress: Progress) -> Result<Self, FileError> {
        let (file, found) = open_private(&path)?;
        let end = u64::try_from(found.st_size).unwrap_or_default();
        let mut spool = Self { path, file, progress, end };
        spool.cut()?;
        // Somebody emptied it: nothing of what it holds is in the log.
        if spool.progress.start > spool.end {
            spool.progress.start = 0;
        }
        Ok(spool)
    }

    /// Moves up to `count` bytes from the pipe to the end of the file and returns how many it moved.
    pub(crate) fn take(&mut self, pipe: BorrowedFd<'_>, count: u64) -> Result<u64, FileError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(1 << 30);
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match splice(pipe, None, &self.file, Some(&mut self.end), count, flags) {
            Ok(moved) => Ok(moved as u64),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Returns where the next byte goes.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Reads from `at` on, at most up to the end, and returns how many bytes it read.
    pub(crate) fn read(&self, buffer: &mut [u8], at: u64) -> Result<usize, FileError> {
        let wanted =
            usize::try_from(self.end.saturating_sub(at)).map_or(buffer.len(), |n| n.min(buffer.len()));
        pread(&self.file, &mut buffer[..wanted], at).map_err(|source| self.failed(source))
    }

    /// Moves an unfinished line to the beginning of a worn file; returns whether the state has to be
    /// written, and then the file to be [cut](Self::cut).
    pub(crate) fn renew(&mut self) -> Result<bool, FileError> {
        let start = self.progress.start;
        let left = self.end - start;
        if start == 0 || (left > 0 && (start < WORN || left > start)) {
            return Ok(false);
        }
        let mut rest = vec![0; usize::try_from(left).unwrap_or_default()];
        let read = self.read(&mut rest, start)?;
        let written = pwrite(&self.file, &rest[..read], 0).map_err(|source| self.failed(source))?;
        if read as u64 != left || written != read {
            return Err(self.failed(Errno::IO));
        }
        self.progress = Progress { start: 0, cut: Some(left) };
        Ok(true)
    }

    /// Cuts off what is void.
    pub(crate) fn cut(&mut self) -> Result<(), FileError> {
        let Some(end) = self.progress.cut else { return Ok(()) };
        if end < self.end {
            ftruncate(&self.file, end).map_err(|source| self.failed(source))?;
            self.end = end;
        }
        self.progress.cut = None;
        Ok(())
    }

    fn failed(&self, source: Errno) -> FileError {
        FileError::Write { path: self.path.clone(), source }
    }
}

/// Returns the path of the spool of one output of a log.
pub(crate) fn path(log: &Path, end: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(log.file_name().unwrap_or_default());
    name.push(end);
    log.with_file_name(name)
}
