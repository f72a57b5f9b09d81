//! A terminal of 100 columns and 40 rows: runs a shell line on one and shows what a person sees.
//!
//! script(1) makes the terminal; [`Screen`] obeys the few sequences that svc writes (carriage return,
//! cursor up, erase) and drops colours. What it does not know it shows, so that a test would notice.

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::project::{SVC, TempProject};

/// A shell line that runs on a terminal.
pub(crate) struct Terminal {
    child: Child,
    /// What is typed; the terminal has no end of input while this is open.
    pub(crate) keys: ChildStdin,
    output: ChildStdout,
    /// Everything that came out of it so far, with every sequence.
    pub(crate) raw: String,
    /// Bytes behind the last complete character.
    rest: Vec<u8>,
}

impl Terminal {
    /// Starts a shell line in the project's folder, where `svc` is the binary under test.
    pub(crate) fn start(project: &TempProject, line: &str) -> Self {
        let folder = Path::new(SVC).parent().expect("a file lies in a folder").display();
        let line = format!("stty cols 100 rows 40; PATH=\"{folder}:$PATH\"; {line}");
        let mut command: Command = project.program("script");
        command.args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR").env_remove("CI");
        command.env("TERM", "xterm-256color").stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("script is there");
        let keys = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        Self { child, keys, output, raw: String::new(), rest: Vec::new() }
    }

    /// Reads what comes next; false at the end.
    pub(crate) fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let count = self.output.read(&mut buffer).expect("readable");
        self.rest.extend_from_slice(&buffer[..count]);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        self.raw += std::str::from_utf8(&self.rest[..whole]).expect("looked at");
        self.rest.drain(..whole);
        count > 0
    }

    /// Reads until something was written.
    pub(crate) fn until(&mut self, text: &str) {
        while !self.raw.contains(text) {
            assert!(self.read(), "it ended without `{text}`: {}", self.raw);
        }
    }

    /// Reads until the screen is like this.
    pub(crate) fn until_screen(&mut self, what: &str, like: impl Fn(&[String]) -> bool) {
        while !like(&Screen::showing(&self.raw)) {
            assert!(self.read(), "it ended before {what}: {:#?}", Screen::showing(&self.raw));
        }
    }

    /// Closes the terminal over what runs on it, and waits for its end.
    pub(crate) fn hang_up(mut self) -> (Option<i32>, Vec<String>) {
        self.child.kill().expect("script runs");
        let status = self.child.wait().expect("waited");
        while self.read() {}
        (status.code(), Screen::showing(&self.raw))
    }

    /// Waits for the end; returns the exit code and the last screen.
    pub(crate) fn finish(mut self) -> (i32, Vec<String>) {
        while self.read() {}
        let status = self.child.wait().expect("waited");
        drop(self.keys);
        (status.code().expect("script is not killed"), Screen::showing(&self.raw))
    }
}

/// The rows of a terminal without end; those that have left the screen are still there.
#[derive(Default)]
struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// Returns what is to be seen after `text`: the rows without blanks at their ends.
    fn showing(text: &str) -> Vec<String> {
        let mut screen = Self::default();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' => screen.column = 0,
                '\n' => screen.row += 1,
                '\x1b' if rest.next_if_eq(&'[').is_some() => {
                    let mut count = String::new();
                    let last = loop {
                        match rest.next() {
                            Some(c) if c.is_ascii_digit() || c == ';' => count.push(c),
                            last => break last,
                        }
                    };
                    screen.obey(last, count.parse().unwrap_or(0));
                }
                c => screen.put(c),
            }
        }
        let shown = screen.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned());
        let mut shown: Vec<String> = shown.collect();
        while shown.last().is_some_and(String::is_empty) {
            shown.pop();
        }
        shown
    }

    fn put(&mut self, c: char) {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, Vec::new());
        }
        let row = &mut self.rows[self.row];
        if row.len() <= self.column {
            row.resize(self.column + 1, ' ');
        }
        row[self.column] = c;
        self.column += 1;
    }

    fn obey(&mut self, sequence: Option<char>, count: usize) {
        match sequence {
            Some('m') => {}
            Some('A') => self.row = self.row.saturating_sub(count.max(1)),
            Some('K') => {
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
            }
            Some('J') => {
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
                self.rows.truncate(self.row + 1);
            }
            other => panic!("the terminal of the tests does not know {other:?}"),
        }
    }
}

#[test]
fn a_line_that_is_written_over_is_seen_as_it_is_last() {
    assert_eq!(Screen::showing("a\r\nb\r\n\x1b[2A\r\x1b[32mA\x1b[0m\x1b[K\r\n\x1b[Jc"), ["A", "c"]);
}
