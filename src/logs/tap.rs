//! Waiting for one line of a log, for readiness by a line: nothing is looked at before and after.
//!
//! Output arrives in pieces that end anywhere, so the unfinished line is kept until its end comes. A
//! line is matched without its line end, and as bytes: it need not be UTF-8.

use memchr::memchr;
use regex::bytes::Regex;

/// As much of a line is looked at; what lies behind cannot match.
pub const MAX_LINE: usize = 64 * 1024;

/// A watch for the first line that matches.
#[derive(Debug)]
pub struct Tap {
    pattern: Regex,
    unfinished: Vec<u8>,
}

impl Tap {
    /// Watches for a line in which `pattern` matches.
    pub fn new(pattern: Regex) -> Self {
        Self { pattern, unfinished: Vec::new() }
    }

    /// Takes the next piece of output and returns whether a finished line has matched.
    pub fn feed(&mut self, mut piece: &[u8]) -> bool {
        while let Some(end) = memchr(b'\n', piece) {
            let matched = if self.unfinished.is_empty() {
                self.pattern.is_match(line(&piece[..end]))
            } else {
                self.keep(&piece[..end]);
                self.pattern.is_match(line(&self.unfinished))
            };
            if matched {
                return true;
            }
            self.unfinished.clear();
            piece = &piece[end + 1..];
        }
        self.keep(piece);
        false
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.unfinished.len();
        self.unfinished.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

/// Returns a line without the carriage return before its end, and no more of it than is looked at.
fn line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    &bytes[..bytes.len().min(MAX_LINE)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(pattern: &str) -> Tap {
        Tap::new(Regex::new(pattern).expect("a pattern"))
    }

    #[test]
    fn a_line_matches_however_its_pieces_are_cut() {
        let text = b"starting\nlistening on port 80\r\nserving\n";
        for cut in 0..text.len() {
            let mut tap = tap("^listening on port [0-9]+$");
            let matched = tap.feed(&text[..cut]) || tap.feed(&text[cut..]);
            assert!(matched, "cut at {cut}");
        }
    }

    #[test]
    fn a_pattern_does_not_match_across_lines() {
        let mut tap = tap(r"ready\s+now");
        assert!(!tap.feed(b"ready\nnow\n"));
        assert!(tap.feed(b"ready now\n"));
    }

    #[test]
    fn bytes_that_are_no_utf_8_neither_match_nor_hide_a_line() {
        let mut tap = tap("caf. ready");
        assert!(!tap.feed(b"\xff\xfe\x00\n"));
        assert!(tap.feed(b"\x80 \xff caf\xc3\xa9 ready \xff\n"));
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_the_next_one_matches() {
        let mut tap = tap("ready");
        for _ in 0..100 {
            assert!(!tap.feed(&[b'x'; 10_000]));
        }
        assert!(tap.unfinished.capacity() <= 2 * MAX_LINE);
        assert!(!tap.feed(b"ready, but too far behind\n"));
        assert!(tap.feed(b"ready\n"));
    }
}
