//! How a line of a log is shown: its name with a stable colour, its time, its bytes made harmless.
//!
//! A service may print anything, and a terminal obeys escape sequences: they can clear the screen,
//! rename the window, answer as if the reader had typed. Colours (SGR, `ESC [ … m`) are let through
//! where colours are wanted and ended with the line; every other control character but the tab is
//! shown as `\x1b`, as are bytes that are no UTF-8. `raw` shows the bytes as they are.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::logs::read::Line;

/// The colours of names: those that can be read on dark and on light ground, none of which means an error.
const PALETTE: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

const RESET: &[u8] = b"\x1b[0m";

/// How lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Names and times are coloured, and colours of services are let through. The caller knows of `NO_COLOR`.
    pub color: bool,
    /// The name of the service stands before its line.
    pub prefix: bool,
    /// The time stands before the line: UTC, RFC 3339, in milliseconds.
    pub time: bool,
    /// Bytes are shown as they are, harmless or not.
    pub raw: bool,
}

/// Shows lines of several services, their names aligned.
#[derive(Clone, Debug)]
pub struct Formatter {
    style: Style,
    names: Vec<String>,
    width: usize,
    /// The service whose line was shown in part, so that its next piece goes on there.
    unfinished: Option<usize>,
}

impl Formatter {
    /// Shows lines whose source is a place in `names`.
    pub fn new(style: Style, names: Vec<String>) -> Self {
        let width = names.iter().map(String::len).max().unwrap_or(0);
        Self { style, names, width, unfinished: None }
    }

    /// Writes one line, with its end; a piece of a long one goes on where the piece before it ended.
    ///
    /// # Errors
    ///
    /// What `out` answers.
    pub fn write(&mut self, line: &Line, out: &mut impl Write) -> io::Result<()> {
        if self.unfinished != Some(line.source) {
            self.end(out)?;
            self.head(line, out)?;
        }
        if self.style.raw {
            out.write_all(&line.bytes)?;
        } else {
            body(&line.bytes, self.style.color, out)?;
        }
        self.unfinished = Some(line.source);
        if !line.partial {
            self.end(out)?;
        }
        Ok(())
    }

    /// Ends a line that was shown in part.
    ///
    /// # Errors
    ///
    /// What `out` answers.
    pub fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.unfinished.take().is_some() {
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn head(&self, line: &Line, out: &mut impl Write) -> io::Result<()> {
        if let Some(name) = self.names.get(line.source).filter(|_| self.style.prefix) {
            let width = self.width;
            if self.style.color {
                write!(out, "\x1b[{}m{name:<width$} |\x1b[0m ", color_of(name))?;
            } else {
                write!(out, "{name:<width$} | ")?;
            }
        }
        match line.time.filter(|_| self.style.time) {
            Some(time) if self.style.color => write!(out, "\x1b[2m{}\x1b[0m ", Shown(time)),
            Some(time) => write!(out, "{} ", Shown(time)),
            None if self.style.time => write!(out, "{:<24} ", "-"),
            None => Ok(()),
        }
    }
}

/// A time in UTC to the millisecond, always as wide.
struct Shown(Timestamp);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

/// Returns the colour of a name: the same in every run and on every machine (FNV-1a).
fn color_of(name: &str) -> u8 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    PALETTE[usize::try_from((hash >> 40) % PALETTE.len() as u64).unwrap_or(0)]
}

/// Writes bytes so that a terminal shows them and obeys none of them but colours.
fn body(bytes: &[u8], color: bool, out: &mut impl Write) -> io::Result<()> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut colored = false;
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find(|c: char| c.is_control() && c != '\t') {
            out.write_all(&rest.as_bytes()[..at])?;
            rest = &rest[at..];
            if let Some(length) = sgr(rest) {
                if color {
                    out.write_all(&rest.as_bytes()[..length])?;
                    colored = true;
                }
                rest = &rest[length..];
                continue;
            }
            let control = rest.chars().next().unwrap_or_default();
            write!(out, "\\x{:02x}", u32::from(control))?;
            rest = &rest[control.len_utf8()..];
        }
        out.write_all(rest.as_bytes())?;
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    if colored { out.write_all(RESET) } else { Ok(()) }
}

/// Returns the length of a colour sequence at the beginning of a text.
fn sgr(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    (parameters.as_bytes()[end] == b'm').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: usize, bytes: &[u8], partial: bool) -> Line {
        let time = Timestamp::from_millisecond(1_700_000_000_120).ok();
        Line { source, time, bytes: bytes.to_vec(), partial }
    }

    fn shown(style: Style, lines: &[Line]) -> String {
        let mut formatter = Formatter::new(style, vec!["db".to_owned(), "api.0".to_owned()]);
        let mut out = Vec::new();
        lines.iter().try_for_each(|line| formatter.write(line, &mut out)).expect("a vector takes all");
        formatter.end(&mut out).expect("a vector takes all");
        String::from_utf8(out).expect("harmless bytes are UTF-8")
    }

    const PLAIN: Style = Style { color: false, prefix: true, time: false, raw: false };

    #[test]
    fn names_are_aligned_and_times_as_wide_as_each_other() {
        let lines = [line(0, b"up", false), Line { time: None, ..line(1, b"tab\there", false) }];
        assert_eq!(shown(PLAIN, &lines), "db    | up\napi.0 | tab\there\n");
        assert_eq!(
            shown(Style { time: true, ..PLAIN }, &lines),
            "db    | 2023-11-14T22:13:20.120Z up\napi.0 | -                        tab\there\n"
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_of_what_a_service_prints_but_colours() {
        let hostile =
            line(0, b"\x1b[2J\x1b]0;owned\x07 caf\xc3\xa9 \xff \x1b[1;31mred\x1b[\xc2\x9b2J\r", false);
        let bare = Style { prefix: false, ..PLAIN };
        let text = r"\x1b[2J\x1b]0;owned\x07 café \xff ";
        assert_eq!(shown(bare, std::slice::from_ref(&hostile)), format!("{text}red\\x1b[\\x9b2J\n"));
        let colored = format!("{text}\x1b[1;31mred\\x1b[\\x9b2J\x1b[0m\n");
        assert_eq!(shown(Style { color: true, ..bare }, &[hostile]), colored);
    }

    #[test]
    fn a_long_line_in_pieces_is_one_line_unless_another_comes_between() {
        let pieces = [line(0, b"a", true), line(0, b"b", false), line(0, b"c", true), line(1, b"d", false)];
        assert_eq!(shown(PLAIN, &pieces), "db    | ab\ndb    | c\napi.0 | d\n");
    }

    #[test]
    fn the_colour_of_a_name_never_changes() {
        assert_eq!((color_of("db"), color_of("api.0"), color_of("web")), (93, 36, 94));
    }
}
