//! The text that is being laid out: where the next character goes, and the comments at line ends.

use crate::syntax::format::text::pad;

/// How wide a line may be for a block to stay on it.
pub const WIDTH: usize = 100;

/// How many blanks a level of blocks is indented by.
pub(super) const INDENT: usize = 4;

/// How far apart the ends of the lines may be whose comments are put in one column.
const SPREAD: usize = 40;

/// A comment behind something on its line.
struct Trailing {
    /// Where its blank is in the text.
    at: usize,
    line: usize,
    indent: usize,
    /// How many columns stand before it.
    width: usize,
    /// It stays where it is, whatever stands beside it.
    alone: bool,
}

/// A text in the making.
#[derive(Default)]
pub(super) struct Page {
    out: String,
    /// How many characters the last line has.
    column: usize,
    /// The number of the last line.
    line: usize,
    /// What the last line was indented by.
    indent: usize,
    trailing: Vec<Trailing>,
}

impl Page {
    /// Returns how many characters the last line has.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Returns whether nothing was written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Starts a new line at an indentation, `blank` lines below the last one.
    pub(super) fn start_line(&mut self, blank: usize, indent: usize) {
        if !self.is_empty() {
            for _ in 0..=blank {
                self.out.push('\n');
            }
            self.line += 1 + blank;
        }
        pad(&mut self.out, indent);
        self.indent = indent;
        self.column = indent;
    }

    /// Writes a text, of several lines or one.
    pub(super) fn write(&mut self, text: &str) {
        self.out.push_str(text);
        match text.rfind('\n') {
            None => self.column += text.chars().count(),
            Some(last) => {
                self.line += text.matches('\n').count();
                self.column = text[last + 1..].chars().count();
            }
        }
    }

    /// Writes a blank.
    pub(super) fn space(&mut self) {
        self.out.push(' ');
        self.column += 1;
    }

    /// Writes a line comment behind what the line holds: in one column with those of the neighbouring
    /// lines, unless it is to stay `alone`.
    pub(super) fn trailing_comment(&mut self, text: &str, alone: bool) {
        let Self { line, indent, .. } = *self;
        self.trailing.push(Trailing { at: self.out.len(), line, indent, width: self.column, alone });
        self.space();
        self.write(text);
    }

    /// Ends the last line and puts the comments behind neighbouring lines into one column.
    pub(super) fn finish(mut self) -> String {
        if self.is_empty() {
            return self.out;
        }
        self.out.push('\n');
        let mut aligned = String::with_capacity(self.out.len());
        let mut copied = 0;
        let mut rest = self.trailing.as_slice();
        while !rest.is_empty() {
            let (run, width) = run(rest);
            for comment in &rest[..run] {
                aligned.push_str(&self.out[copied..comment.at]);
                pad(&mut aligned, width - comment.width);
                copied = comment.at;
            }
            rest = &rest[run..];
        }
        aligned.push_str(&self.out[copied..]);
        aligned
    }
}

/// Returns how many of the first comments share a column, and what the widest line before it is.
fn run(comments: &[Trailing]) -> (usize, usize) {
    let (mut least, mut most) = (usize::MAX, 0);
    for (number, comment) in comments.iter().enumerate() {
        let wider = (least.min(comment.width), most.max(comment.width));
        let goes_on = number == 0
            || !comment.alone
                && !comments[0].alone
                && comments[number - 1].line + 1 == comment.line
                && comments[number - 1].indent == comment.indent
                && wider.1 - wider.0 <= SPREAD;
        if !goes_on {
            return (number, most);
        }
        (least, most) = wider;
    }
    (comments.len(), most)
}
