//! The sidecar that knows when which bytes of a log were written.
//!
//! ```text
//! header, 64 bytes, little endian            record, 16 bytes, any number
//!  0  8  magic "svclogix"                     0  8  offset into the log file
//!  8  4  version, 1                           8  8  microseconds since 1970, signed
//! 12  4  zero
//! 16  8  inode of the log file
//! 24  8  gap: bytes lost so far
//! 32  8  gap: its begin, microseconds since 1970
//! 40  8  gap: size of the log file then
//! 48 16  zero
//! ```
//!
//! A record says: what stands from this offset on was written at this time. It is written *before* the
//! bytes are moved, so that a kill between the two leaves a record of nothing, which the next one
//! replaces, and never bytes under an older time. Of several records for one offset the last counts. A
//! torn record at the end is ignored and overwritten.
//!
//! Offsets rise; times may fall when the clock is set back. An index has at most [`MAX_RECORDS`] records:
//! when it is full, every second one is dropped, so that times grow coarser instead of the file larger.
//! It belongs to one file, known by its inode, and moves with it. It is an aid: when it cannot be
//! written, logging goes on without it.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rustix::fs::ftruncate;
use rustix::io::{pread, pwrite};

use crate::logs::file::open_private;
use crate::logs::name;

/// The most records of one index: 256 KiB.
pub const MAX_RECORDS: u64 = 16 * 1024;

/// Records are at least this far apart in time.
const RESOLUTION: SignedDuration = SignedDuration::from_millis(5);

const MAGIC: [u8; 8] = *b"svclogix";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const RECORD: usize = 16;

/// From which offset on the bytes of a log were written when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The offset into the log file.
    pub offset: u64,
    /// The wall-clock time.
    pub time: Timestamp,
}

/// Output that was lost because the log could not be written, and is not yet told in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many bytes.
    pub lost: u64,
    /// When writing first failed.
    pub since: Timestamp,
    /// The size of the log file then.
    pub at: u64,
}

/// The index of the file that is being written.
#[derive(Debug)]
pub struct Writer {
    file: OwnedFd,
    inode: u64,
    records: u64,
    last: Option<Entry>,
    /// What the header says about output lost and not yet told in the log.
    gap: Option<Gap>,
}

impl Writer {
    /// Opens the index of `log`, whose inode and size are given, and starts a new one unless the one that
    /// is there belongs to it.
    ///
    /// Absent when it cannot be written.
    pub fn open(log: &Path, inode: u64, size: u64) -> Option<Self> {
        let path = name::index(log);
        let moved = name::index(&name::rotated(log, 1));
        if belongs(&moved, inode) && !belongs(&path, inode) {
            // A rotation was killed after it had moved the index and before it moved the log.
            rustix::fs::rename(&moved, &path).ok()?;
        }
        let (file, found) = open_private(&path).ok()?;
        let mut writer = Self { file, inode, records: 0, last: None, gap: None };
        let kept = if size == 0 { None } else { writer.header() };
        match kept {
            Some(gap) => {
                writer.gap = gap;
                let length = u64::try_from(found.st_size).ok()?;
                writer.records = length.saturating_sub(HEADER as u64) / RECORD as u64;
                writer.forget_beyond(size);
            }
            None => {
                ftruncate(&writer.file, 0).ok()?;
                writer.write_header().ok()?;
            }
        }
        Some(writer)
    }

    /// Notes that what will be written from `offset` on is written at `time`.
    pub fn note(&mut self, log: &Path, entry: Entry) {
        let mut at = self.records;
        if let Some(last) = self.last {
            let apart = entry.time.duration_since(last.time);
            if last.offset == entry.offset {
                at -= 1;
            } else if !apart.is_negative() && apart < RESOLUTION {
                return;
            }
        }
        if at >= MAX_RECORDS {
            match self.thinned(log) {
                Some(thinner) => *self = thinner,
                None => return,
            }
            at = self.records;
        }
        let bytes = encode(entry);
        if pwrite(&self.file, &bytes, position(at)) == Ok(RECORD) {
            self.records = at + 1;
            self.last = Some(entry);
        }
    }

    /// Returns the output that a predecessor lost and did not tell.
    pub fn gap(&self) -> Option<Gap> {
        self.gap
    }

    /// Sets or clears what the header says about lost output.
    pub fn set_gap(&mut self, gap: Option<Gap>) {
        self.gap = gap;
        // The header is overwritten in place, which takes no space of a full disk.
        let _ = self.write_header();
    }

    /// Drops records of bytes that are not there: the log was truncated.
    pub fn forget_beyond(&mut self, size: u64) {
        while self.records > 0 {
            self.last = self.read(self.records - 1);
            if self.last.is_some_and(|entry| entry.offset <= size) {
                return;
            }
            self.records -= 1;
            let _ = ftruncate(&self.file, position(self.records));
        }
        self.last = None;
    }

    fn read(&self, number: u64) -> Option<Entry> {
        let mut bytes = [0; RECORD];
        let read = pread(&self.file, &mut bytes, position(number)).ok()?;
        (read == RECORD).then(|| decode(&bytes)).flatten()
    }

    /// Returns what the header says about a gap; `None` when it is not the header of this log's index.
    fn header(&self) -> Option<Option<Gap>> {
        let mut bytes = [0; HEADER];
        let read = pread(&self.file, &mut bytes, 0).ok()?;
        (read == HEADER && header_inode(&bytes) == Some(self.inode)).then(|| decode_gap(&bytes))
    }

    fn write_header(&self) -> rustix::io::Result<()> {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.inode.to_le_bytes());
        if let Some(gap) = self.gap {
            bytes[24..32].copy_from_slice(&gap.lost.to_le_bytes());
            bytes[32..40].copy_from_slice(&gap.since.as_microsecond().to_le_bytes());
            bytes[40..48].copy_from_slice(&gap.at.to_le_bytes());
        }
        pwrite(&self.file, &bytes, 0).map(drop)
    }

    /// Writes every second record into a new index, which takes the place of this one by one rename.
    fn thinned(&self, log: &Path) -> Option<Self> {
        let path = name::index(log);
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let (file, _) = open_private(Path::new(&beside)).ok()?;
        ftruncate(&file, 0).ok()?;
        let mut thinner = Self { file, inode: self.inode, records: 0, last: None, gap: self.gap };
        thinner.write_header().ok()?;
        let all = Index::read(&path, self.inode)?;
        let mut kept = Vec::new();
        for &entry in all.entries.iter().step_by(2) {
            kept.extend_from_slice(&encode(entry));
            thinner.last = Some(entry);
            thinner.records += 1;
        }
        if pwrite(&thinner.file, &kept, position(0)) != Ok(kept.len()) {
            return None;
        }
        rustix::fs::rename(&beside, &path).ok()?;
        Some(thinner)
    }
}

/// The times of one log file, for a reader.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
}

impl Index {
    /// Reads the index of `file`, a log or a rotated one, whose inode is given; empty when there is none.
    ///
    /// The index may lie under the next number: a rotation moves it just before its file.
    pub fn load(log: &Path, number: u32, inode: u64) -> Self {
        let candidates = [number, number + 1];
        let read = |number| Self::read(&name::index(&name::rotated(log, number)), inode);
        candidates.into_iter().find_map(read).unwrap_or_default()
    }

    fn read(path: &Path, inode: u64) -> Option<Self> {
        let mut bytes = Vec::new();
        let limit = position(MAX_RECORDS);
        File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
        let (header, records) = bytes.split_at_checked(HEADER)?;
        if header_inode(header) != Some(inode) {
            return None;
        }
        let entries = records.as_chunks::<RECORD>().0.iter().map_while(decode).collect();
        Some(Self { entries })
    }

    /// Returns when the byte at `offset` was written; `None` when that is not known.
    pub fn time_at(&self, offset: u64) -> Option<Timestamp> {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        after.checked_sub(1).map(|at| self.entries[at].time)
    }

    /// Returns where the first bytes begin that were written at `time` or later; `None` when there are none.
    pub fn offset_at(&self, time: Timestamp) -> Option<u64> {
        self.entries.iter().find(|entry| entry.time >= time).map(|entry| entry.offset)
    }

    /// Returns the records in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn position(record: u64) -> u64 {
    HEADER as u64 + record * RECORD as u64
}

fn encode(entry: Entry) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    bytes[..8].copy_from_slice(&entry.offset.to_le_bytes());
    bytes[8..].copy_from_slice(&entry.time.as_microsecond().to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; RECORD]) -> Option<Entry> {
    let time = Timestamp::from_microsecond(u64_at(bytes, 8)?.cast_signed()).ok()?;
    Some(Entry { offset: u64_at(bytes, 0)?, time })
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Returns the inode a header names; `None` when it is no header of this version.
fn header_inode(bytes: &[u8]) -> Option<u64> {
    let version = bytes.get(8..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
    (bytes.starts_with(&MAGIC) && version == VERSION).then(|| u64_at(bytes, 16)).flatten()
}

fn decode_gap(bytes: &[u8]) -> Option<Gap> {
    let lost = u64_at(bytes, 24).filter(|&lost| lost > 0)?;
    let since = Timestamp::from_microsecond(u64_at(bytes, 32)?.cast_signed()).ok()?;
    Some(Gap { lost, since, at: u64_at(bytes, 40)? })
}

fn belongs(index: &Path, inode: u64) -> bool {
    let mut header = [0; HEADER];
    File::open(index).and_then(|mut file| file.read_exact(&mut header)).is_ok()
        && header_inode(&header) == Some(inode)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const INODE: u64 = 42;

    fn log() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = dir.path().join("x.log");
        (dir, log)
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("in range")
    }

    fn note(writer: &mut Writer, log: &Path, offset: u64, ms: i64) {
        writer.note(log, Entry { offset, time: at(ms) });
    }

    #[test]
    fn a_byte_has_the_time_of_the_last_record_at_or_before_it() {
        let (_dir, log) = log();
        let mut writer = Writer::open(&log, INODE, 0).expect("writable");
        note(&mut writer, &log, 10, 1000);
        note(&mut writer, &log, 20, 2000);
        note(&mut writer, &log, 20, 3000);
        let index = Index::load(&log, 0, INODE);
        let times = [9, 10, 19, 20, 99].map(|offset| index.time_at(offset));
        assert_eq!(times, [None, Some(at(1000)), Some(at(1000)), Some(at(3000)), Some(at(3000))]);
        assert_eq!(index.offset_at(at(1001)), Some(20));
        assert_eq!(index.offset_at(at(3001)), None);
    }

    #[test]
    fn a_torn_record_is_ignored_and_overwritten() {
        let (_dir, log) = log();
        let mut writer = Writer::open(&log, INODE, 0).expect("writable");
        note(&mut writer, &log, 0, 1000);
        note(&mut writer, &log, 10, 2000);
        let bytes = fs::read(name::index(&log)).expect("exists");
        fs::write(name::index(&log), &bytes[..bytes.len() - 5]).expect("writable");
        assert_eq!(Index::load(&log, 0, INODE).entries().len(), 1);
        let mut writer = Writer::open(&log, INODE, 30).expect("writable");
        note(&mut writer, &log, 30, 4000);
        let index = Index::load(&log, 0, INODE);
        assert_eq!(
            index.entries(),
            [Entry { offset: 0, time: at(1000) }, Entry { offset: 30, time: at(4000) }]
        );
    }

    #[test]
    fn a_full_index_grows_coarser_and_not_larger() {
        let (_dir, log) = log();
        let mut writer = Writer::open(&log, INODE, 0).expect("writable");
        let count = 3 * MAX_RECORDS;
        for number in 0..count {
            note(&mut writer, &log, number * 100, number.cast_signed() * 10);
        }
        let size = fs::metadata(name::index(&log)).expect("exists").len();
        assert!(size <= position(MAX_RECORDS), "{size}");
        let index = Index::load(&log, 0, INODE);
        assert!(index.entries().is_sorted_by_key(|entry| entry.offset));
        assert!(index.entries().len() as u64 >= MAX_RECORDS / 2);
        let late = index.time_at((count - 1) * 100).expect("known");
        assert!(at(count.cast_signed() * 10).duration_since(late) <= SignedDuration::from_millis(80));
    }

    #[test]
    fn the_index_of_another_file_is_not_believed() {
        let (_dir, log) = log();
        let mut writer = Writer::open(&log, INODE, 0).expect("writable");
        note(&mut writer, &log, 0, 1000);
        assert!(Index::load(&log, 0, INODE + 1).entries().is_empty());
        Writer::open(&log, INODE + 1, 500).expect("writable");
        assert!(Index::load(&log, 0, INODE).entries().is_empty(), "it has made room");
    }

    #[test]
    fn an_index_that_moved_without_its_log_is_found_by_readers_and_brought_back_by_the_writer() {
        let (_dir, log) = log();
        let mut writer = Writer::open(&log, INODE, 0).expect("writable");
        note(&mut writer, &log, 0, 1000);
        fs::rename(name::index(&log), name::index(&name::rotated(&log, 1))).expect("can rename");
        assert_eq!(Index::load(&log, 0, INODE).entries().len(), 1);
        Writer::open(&log, INODE, 500).expect("writable");
        assert_eq!(Index::read(&name::index(&log), INODE).expect("is back").entries().len(), 1);
    }
}
