//! Reading logs: the last lines, a span of time, lines that match; several logs merged by time.
//!
//! A log is read across its rotated files. Files are opened from the newest on and a file seen twice,
//! because a rotation moved it meanwhile, counts once: the result is what stood there at one moment.
//! Memory is bounded: a line longer than [`LONGEST_PIECE`] comes in pieces.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use memchr::memchr;
use regex::bytes::Regex;

use crate::logs::segment::{Segment, snapshot};

/// A longer line comes in pieces of this size.
pub const LONGEST_PIECE: usize = 64 * 1024;

/// As much is read at once.
const BLOCK: usize = 16 * 1024;

/// A line of a log, or a piece of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which of the logs it comes from: its place in the list that was asked for.
    pub source: usize,
    /// When it was written; `None` when the log has no index.
    pub time: Option<Timestamp>,
    /// What was written, without the line end; any bytes.
    pub bytes: Vec<u8>,
    /// Its end is missing: it goes on in the next piece, or was not finished.
    pub partial: bool,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// At most this many of the last lines of each log; all when absent.
    pub last: Option<usize>,
    /// Only lines written at this time or later.
    pub since: Option<Timestamp>,
    /// Only lines written at this time or earlier.
    pub until: Option<Timestamp>,
    /// Only lines in which it matches.
    pub grep: Option<Regex>,
    /// An unfinished last line is held back, because [`Follow`](super::Follow) will see its end.
    pub follow: bool,
}

/// The lines of several logs, merged by time.
#[derive(Debug)]
pub struct Reader {
    pub(crate) cursors: Vec<Cursor>,
    heads: Vec<Option<Line>>,
    order: BinaryHeap<Reverse<(Option<Timestamp>, usize)>>,
}

impl Reader {
    /// Opens logs; one that does not exist yet is empty.
    ///
    /// # Errors
    ///
    /// A log exists and cannot be read.
    pub fn open(logs: &[PathBuf], query: &Query) -> io::Result<Self> {
        let open = |(source, log): (usize, &PathBuf)| Cursor::open(source, log, query);
        let mut cursors = logs.iter().enumerate().map(open).collect::<io::Result<Vec<_>>>()?;
        let mut order = BinaryHeap::new();
        let heads: Vec<_> = cursors.iter_mut().map(Cursor::next).collect();
        order.extend(heads.iter().flatten().map(|line| Reverse((line.time, line.source))));
        Ok(Self { cursors, heads, order })
    }
}

impl Iterator for Reader {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let Reverse((time, source)) = self.order.pop()?;
        let line = self.heads[source].take();
        self.heads[source] = self.cursors[source].next();
        if let Some(next) = &self.heads[source] {
            // A line without a time stays behind the one before it.
            self.order.push(Reverse((next.time.or(time), source)));
        }
        line
    }
}

/// A place in one log, from which its lines are read.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) source: usize,
    pub(crate) log: PathBuf,
    /// The files still to be read, the oldest first.
    segments: VecDeque<Segment>,
    /// Bytes of the first of them that are read and not yet given out.
    buffer: Vec<u8>,
    taken: usize,
    inside_line: bool,
    hold: bool,
    grep: Option<Regex>,
    /// Lines found already.
    found: VecDeque<Line>,
}

impl Cursor {
    fn open(source: usize, log: &Path, query: &Query) -> io::Result<Self> {
        let mut segments: VecDeque<_> = snapshot(log)?.into();
        for segment in &mut segments {
            segment.restrict(query.since, query.until)?;
        }
        let mut cursor = Self {
            source,
            log: log.to_owned(),
            segments,
            buffer: Vec::new(),
            taken: 0,
            inside_line: false,
            hold: query.follow,
            grep: query.grep.clone(),
            found: VecDeque::new(),
        };
        match (query.last, &query.grep) {
            (None, _) => {}
            (Some(count), None) => cursor.skip_to_last(count)?,
            (Some(count), Some(_)) => cursor.find_last(count),
        }
        if query.follow
            && let Some(newest) = cursor.segments.back_mut()
        {
            newest.follow();
        }
        Ok(cursor)
    }

    /// Moves to where the last `count` lines begin, reading backwards.
    fn skip_to_last(&mut self, mut count: usize) -> io::Result<()> {
        for number in (0..self.segments.len()).rev() {
            count -= self.segments[number].skip_to_last(count)?;
            if count == 0 {
                self.segments.drain(..number);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Finds the last `count` lines that match.
    fn find_last(&mut self, count: usize) {
        let mut last = VecDeque::new();
        while let Some(line) = self.next() {
            last.push_back(line);
            if last.len() > count {
                last.pop_front();
            }
        }
        self.found = last;
    }

    /// Returns the next line that matches; `None` when there is none, or none yet.
    pub(crate) fn next(&mut self) -> Option<Line> {
        if let Some(line) = self.found.pop_front() {
            return Some(line);
        }
        loop {
            let line = self.any()?;
            if self.grep.as_ref().is_none_or(|grep| grep.is_match(&line.bytes)) {
                return Some(line);
            }
        }
    }

    fn any(&mut self) -> Option<Line> {
        loop {
            let live = self.segments.len() == 1 && self.hold;
            let segment = self.segments.front_mut()?;
            let start = segment.at - (self.buffer.len() - self.taken) as u64;
            if start >= segment.until && !self.inside_line {
                if live {
                    return None;
                }
                self.leave_segment();
                continue;
            }
            let rest = &self.buffer[self.taken..];
            let (length, partial) = match memchr(b'\n', &rest[..rest.len().min(LONGEST_PIECE)]) {
                Some(end) => (end, false),
                None if rest.len() >= LONGEST_PIECE => (LONGEST_PIECE, true),
                None => {
                    self.buffer.drain(..self.taken);
                    self.taken = 0;
                    // A file that cannot be read any more ends here.
                    if segment.read(&mut self.buffer, BLOCK).unwrap_or(0) > 0 {
                        continue;
                    }
                    if live {
                        return None;
                    }
                    let rest = self.buffer.len();
                    if rest == 0 {
                        self.leave_segment();
                        continue;
                    }
                    (rest, true)
                }
            };
            let bytes = self.buffer[self.taken..self.taken + length].to_vec();
            self.taken += length + usize::from(!partial);
            self.inside_line = partial;
            let time = segment.time_at(&self.log, start);
            return Some(Line { source: self.source, time, bytes, partial });
        }
    }

    /// Takes the unfinished last line that was held back.
    pub(crate) fn unfinished(&mut self) -> Option<Line> {
        let hold = std::mem::replace(&mut self.hold, false);
        let line = self.next();
        self.hold = hold;
        line
    }

    fn leave_segment(&mut self) {
        self.segments.pop_front();
        self.buffer.clear();
        self.taken = 0;
        self.inside_line = false;
    }

    /// Goes on with what has taken the place of the file that was being followed.
    ///
    /// Returns whether there is something new to read.
    pub(crate) fn renew(&mut self) -> io::Result<bool> {
        let Some(newest) = self.segments.back_mut() else {
            let mut found = snapshot(&self.log)?;
            if let Some(newest) = found.last_mut() {
                newest.follow();
            }
            self.segments = found.into();
            return Ok(!self.segments.is_empty());
        };
        if newest.is_at(&self.log) {
            if newest.was_truncated() {
                newest.at = 0;
                self.buffer.clear();
                self.taken = 0;
                self.inside_line = false;
                return Ok(true);
            }
            return Ok(false);
        }
        let mut found = snapshot(&self.log)?;
        let newer = match found.iter().position(|segment| segment.identity == newest.identity) {
            Some(place) => place + 1,
            // It was dropped or removed: whatever is younger is new.
            None => found.iter().position(|segment| segment.is_younger(newest)).unwrap_or(found.len()),
        };
        if let Some(newest) = found.last_mut() {
            newest.follow();
        }
        let before = self.segments.len();
        self.segments.extend(found.drain(newer..));
        Ok(self.segments.len() > before)
    }
}
