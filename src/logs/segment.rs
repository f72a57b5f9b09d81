//! One file of a log as a reader sees it: known by its identity, whatever it is called now.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use memchr::{memchr, memrchr_iter};

use crate::logs::index::Index;
use crate::logs::name;

/// What tells a file from one that took its name, or its inode after it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    /// Absent where the file system does not know it.
    born: Option<SystemTime>,
}

/// A file with the place from which it is read.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    pub(crate) identity: Identity,
    number: u32,
    index: Index,
    /// How much of the file the index was read for.
    indexed: u64,
    /// The next byte that is read.
    pub(crate) at: u64,
    /// Lines that begin here or later are not wanted.
    pub(crate) until: u64,
}

/// Opens all files of a log, the oldest first.
pub(crate) fn snapshot(log: &Path) -> io::Result<Vec<Segment>> {
    let mut found: Vec<Segment> = Vec::new();
    for number in 0.. {
        match Segment::open(log, number) {
            Ok(segment) => {
                if found.iter().all(|other| other.identity != segment.identity) {
                    found.push(segment);
                }
            }
            // Between two steps of a rotation the log itself or one number may be missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if number > 0 && !name::rotated(log, number + 1).exists() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    found.reverse();
    Ok(found)
}

impl Segment {
    fn open(log: &Path, number: u32) -> io::Result<Self> {
        let file = File::open(name::rotated(log, number))?;
        let found = file.metadata()?;
        let index = Index::load(log, number, found.ino());
        let (identity, size) = (Identity::of(&found), found.len());
        Ok(Self { file, identity, number, index, indexed: size, at: 0, until: size })
    }

    /// Leaves out what was written before or after the times.
    pub(crate) fn restrict(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> io::Result<()> {
        if let Some(since) = since
            && !self.index.entries().is_empty()
        {
            let from = self.index.offset_at(since).unwrap_or(self.until);
            self.at = self.line_start_after(from)?;
        }
        if let Some(until) = until
            && let Some(beyond) = self.index.entries().iter().find(|entry| entry.time > until)
        {
            self.until = self.until.min(beyond.offset);
        }
        Ok(())
    }

    /// Reads whatever comes, not only what is there now.
    pub(crate) fn follow(&mut self) {
        self.until = u64::MAX;
    }

    /// Moves to where the last `count` lines begin, or to the beginning; returns how many lines follow.
    pub(crate) fn skip_to_last(&mut self, count: usize) -> io::Result<usize> {
        if count == 0 {
            self.at = self.at.max(self.until);
            return Ok(0);
        }
        let mut buffer = vec![0; 64 * 1024];
        let mut end = self.until;
        let mut lines = 0;
        while end > self.at {
            let length = usize::try_from(end - self.at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            let start = end - length as u64;
            self.file.read_exact_at(&mut buffer[..length], start)?;
            for place in memrchr_iter(b'\n', &buffer[..length]) {
                let after = start + place as u64 + 1;
                if after == self.until {
                    continue;
                }
                lines += 1;
                if lines == count {
                    self.at = after;
                    return Ok(count);
                }
            }
            end = start;
        }
        // The first line has no line end before it.
        let first = usize::from(self.until > self.at);
        Ok(lines + first)
    }

    /// Appends up to `count` bytes to `buffer` and returns how many.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, count: usize) -> io::Result<usize> {
        let before = buffer.len();
        buffer.resize(before + count, 0);
        let read = self.file.read_at(&mut buffer[before..], self.at);
        buffer.truncate(before + read.as_ref().copied().unwrap_or(0));
        if let Ok(read) = read {
            self.at += read as u64;
        }
        read
    }

    /// Returns when the byte at `offset` was written.
    pub(crate) fn time_at(&mut self, log: &Path, offset: u64) -> Option<Timestamp> {
        if offset >= self.indexed {
            // It was written after the index was read; the file may have moved up since.
            let load = |number| Index::load(log, number, self.identity.inode);
            let numbers = [self.number, self.number + 1, self.number + 2];
            let found = numbers.into_iter().map(load).find(|index| !index.entries().is_empty());
            self.index = found.unwrap_or_default();
            self.indexed = self.at;
        }
        self.index.time_at(offset)
    }

    /// Returns whether this file still has the log's name.
    pub(crate) fn is_at(&self, log: &Path) -> bool {
        std::fs::metadata(log).is_ok_and(|found| Identity::of(&found) == self.identity)
    }

    /// Returns whether the file is shorter than what was read of it.
    pub(crate) fn was_truncated(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.len() < self.at)
    }

    /// Returns whether this file was made after the other one; true where that is not known.
    pub(crate) fn is_younger(&self, other: &Self) -> bool {
        self.identity.born.zip(other.identity.born).is_none_or(|(mine, its)| mine > its)
    }

    fn line_start_after(&self, offset: u64) -> io::Result<u64> {
        let Some(mut at) = offset.checked_sub(1) else { return Ok(0) };
        let mut buffer = [0; 4096];
        loop {
            let read = self.file.read_at(&mut buffer, at)?;
            if read == 0 {
                return Ok(at.max(offset));
            }
            if let Some(end) = memchr(b'\n', &buffer[..read]) {
                return Ok(at + end as u64 + 1);
            }
            at += read as u64;
        }
    }
}

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino(), born: found.created().ok() }
    }
}
