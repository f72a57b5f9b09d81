//! Where progress goes: redrawn in place on a terminal, a line an event elsewhere, nowhere when quiet.
//!
//! A block is drawn with a single write and only when its text has changed, so that it never flickers.
//! Output of services, which goes to stdout, stands above it: the block is taken away, the lines are
//! written, and it is drawn anew below them.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use jiff::Timestamp;

use crate::cli::board::{Board, Goal};
use crate::cli::context::{Context, Verbosity};
use crate::cli::progress::{self, Size};
use crate::cli::stream::{self, Stream};
use crate::cli::style::Style;
use crate::control::wire::Event;

/// Where progress goes.
#[derive(Debug)]
pub struct Screen {
    mode: Mode,
    style: Style,
    /// The lines on the terminal now.
    drawn: Vec<String>,
    /// Output of services that is shown too.
    output: Option<Stream>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Live,
    Lines,
    Quiet,
}

impl Screen {
    /// Chooses by what stderr is and how much is to be said.
    pub fn new(context: &Context) -> Self {
        let mode = match (context.verbosity, context.live) {
            (Verbosity::Quiet, _) => Mode::Quiet,
            (_, true) => Mode::Live,
            (_, false) => Mode::Lines,
        };
        Self { mode, style: context.err, drawn: Vec::new(), output: None }
    }

    /// Shows the output of services too, from now on.
    ///
    /// Where that does not go to a terminal it may come to this one by another way, as with `| grep`:
    /// then nothing is redrawn.
    pub fn attach(&mut self, output: Stream) {
        self.output = Some(output);
        if self.mode == Mode::Live && !io::stdout().is_terminal() {
            self.mode = Mode::Lines;
        }
    }

    /// Shows their output no more.
    pub fn mute(&mut self) {
        self.output = None;
    }

    /// Waits until services may have written something; for ever when their output is not shown.
    ///
    /// # Errors
    ///
    /// The kernel refuses to wait.
    pub async fn output(&self) -> io::Result<()> {
        match &self.output {
            Some(output) => output.ready().await,
            None => std::future::pending().await,
        }
    }

    /// Shows what services have written, a batch of it; returns whether more is there already.
    ///
    /// # Errors
    ///
    /// A log cannot be read, or the reader of our output went away.
    pub fn pass(&mut self) -> io::Result<bool> {
        let Some(output) = &mut self.output else { return Ok(false) };
        if self.drawn.is_empty() {
            return output.pass();
        }
        let text = output.batch(true)?;
        let more = output.has_more();
        if !text.is_empty() {
            self.write(&redraw(self.drawn.len(), &[]));
            stream::print(&text)?;
            self.write(&redraw(0, &self.drawn));
        }
        Ok(more)
    }

    /// Shows everything that services have written which write no more.
    ///
    /// # Errors
    ///
    /// As [`Screen::pass`].
    pub fn drain(&mut self) -> io::Result<()> {
        self.output.as_mut().map_or(Ok(()), Stream::drain)
    }

    /// Returns whether it wants to be drawn as time passes.
    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
    }

    /// Says what an event means, where nothing is redrawn. `board` is the picture before the event.
    pub fn event(&mut self, event: &Event, board: &Board) {
        if self.mode != Mode::Lines {
            return;
        }
        let name = match &event.happening {
            crate::control::wire::Happening::Transition { instance, .. } => instance.as_str(),
            _ => "",
        };
        if let Some(line) = progress::plain(event, board.find(name).map(|(_, instance)| instance)) {
            self.write(&format!("{line}\n"));
        }
    }

    /// Brings the block up to date.
    pub fn draw(&mut self, board: &Board, names: &BTreeSet<String>, goal: Goal) {
        if self.mode != Mode::Live {
            return;
        }
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let size = size.map_or(Size { columns: 80, rows: 24 }, |size| Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        });
        let lines = progress::block(board, names, goal, Timestamp::now(), size, self.style);
        if lines != self.drawn {
            let text = redraw(self.drawn.len(), &lines);
            self.write(&text);
            self.drawn = lines;
        }
    }

    /// Leaves what is drawn where it is; what follows stands below it.
    pub fn keep(&mut self) {
        self.drawn.clear();
    }

    /// Says something below what is drawn, which begins anew under it.
    pub fn say(&mut self, text: &str) {
        if self.mode != Mode::Quiet {
            self.write(text);
        }
        self.keep();
    }

    fn write(&self, text: &str) {
        // Nobody can be told when the terminal is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Returns what turns `before` lines above the cursor into `lines`.
fn redraw(before: usize, lines: &[String]) -> String {
    let mut text = String::new();
    if before > 0 {
        text += &format!("\x1b[{before}A");
    }
    for line in lines {
        text += &format!("\r{line}\x1b[K\n");
    }
    text + "\x1b[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_written_over_the_one_before_and_clears_what_is_left_of_it() {
        let lines = ["a".to_owned(), "b".to_owned()];
        assert_eq!(redraw(0, &lines), "\ra\x1b[K\n\rb\x1b[K\n\x1b[J");
        assert_eq!(redraw(2, &[]), "\x1b[2A\x1b[J", "taken away");
        assert_eq!(redraw(3, &lines[..1]), "\x1b[3A\ra\x1b[K\n\x1b[J");
    }
}
