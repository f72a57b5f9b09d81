//! Findings for a person: the source with what is wrong underlined, drawn by miette.
//!
//! This is the only file that knows miette. What it is handed is made safe to print first: control
//! characters of a source never reach the terminal, and of a line of 300 KB only the part around
//! the label does.

use std::fmt;
use std::sync::OnceLock;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use unicode_width::UnicodeWidthChar;

use crate::diagnostic::source::Source;
use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity, SourceMap, Span, summary};

/// The columns of a tab.
const TAB: usize = 4;

/// The least columns that are left to a source, however narrow the terminal is.
const LEAST: usize = 24;

/// The least columns that are left to the words at a label, however far to the right it is.
const LEAST_WORDS: usize = 12;

/// A message longer than this, in bytes, has its long words cut.
const LONG_TEXT: usize = 1_000;

/// How many characters are left of them.
const LONG_WORD: usize = 60;

/// The most bytes between two places that are shown as one piece of a source.
const LARGEST_PIECE: usize = 4_000;

/// How findings are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether lines are drawn with box characters or with ASCII.
    pub unicode: bool,
    /// Whether ANSI colours are used.
    pub color: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
    /// How many findings are shown before the rest is only counted.
    pub limit: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { unicode: true, color: false, width: 100, limit: 50 }
    }
}

/// Draws the findings in the order they have, and a line that counts them. When there are more than are shown, errors
/// come first.
///
/// # Errors
///
/// When `out` takes no more.
pub fn human(
    mut out: &mut dyn fmt::Write,
    findings: &Diagnostics,
    map: &SourceMap,
    look: &Look,
) -> fmt::Result {
    let handler = handler(look);
    let screen = Screen::new(map, look.width);
    for finding in first(findings, look.limit) {
        handler.render_report(&mut out, &Shown(finding, &screen))?;
        writeln!(out)?;
    }
    let left = findings.len().saturating_sub(look.limit);
    if left > 0 {
        writeln!(out, "… and {left} more; `svc check -o json` prints all")?;
    }
    if !findings.is_empty() {
        writeln!(out, "{}", summary(findings))?;
    }
    Ok(())
}

/// Returns what is shown: everything, or of too much the errors before the warnings.
fn first(findings: &Diagnostics, limit: usize) -> impl Iterator<Item = &Diagnostic> {
    let all = findings.len() <= limit;
    let errors = findings.iter().filter(move |finding| all || finding.severity == Severity::Error);
    let warnings = findings.iter().filter(move |finding| !all && finding.severity == Severity::Warning);
    errors.chain(warnings).take(limit)
}

fn handler(look: &Look) -> GraphicalReportHandler {
    let characters = if look.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let styles = if look.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_links(false)
        .with_width(look.width)
        .with_context_lines(1)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .tab_width(TAB)
}

/// A finding with the sources it speaks of, as miette wants it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a Diagnostic, pub &'a Screen<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.0.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(harmless(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.0.labels.is_empty()).then_some(self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.0.labels.is_empty() {
            return None;
        }
        let labels = self.0.labels.iter().enumerate().map(|(index, label)| {
            let (span, room) = self.1.fitting(label.span, &self.0.labels);
            let text = (!label.text.is_empty()).then(|| textwrap::fill(&harmless(&label.text), room));
            let span = SourceSpan::from((span.lo as usize, (span.hi - span.lo) as usize));
            if index == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        });
        Some(Box::new(labels))
    }
}

/// Returns how many columns a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c == '\t' { TAB } else { c.width().unwrap_or(0) }).sum()
}

/// Returns whether a line fits into `room` columns; most of the bytes of a very long one are not looked at.
fn fits(line: &str, room: usize) -> bool {
    line.len() <= room && !line.contains('\t') || line.len() <= room * 4 && columns(line) <= room
}

/// Returns how many bytes at the beginning of a text, or with `back` at its end, take at most `room` columns.
fn prefix(text: &str, room: usize, back: bool) -> usize {
    let mut left = room;
    let mut take = |c: &char| {
        let width = if *c == '\t' { TAB } else { c.width().unwrap_or(0) };
        let enough = width <= left;
        left = left.saturating_sub(width);
        enough
    };
    if back {
        text.chars().rev().take_while(&mut take).map(char::len_utf8).sum()
    } else {
        text.chars().take_while(&mut take).map(char::len_utf8).sum()
    }
}

/// Takes out what a terminal would obey instead of show, and what no screen could hold: the middle of a name of 300 KB.
fn harmless(text: &str) -> String {
    if text.len() <= LONG_TEXT {
        return printable(text);
    }
    let cut = |word: &str| match word.char_indices().nth(LONG_WORD) {
        None => printable(word),
        Some((end, _)) => {
            let quote = if word.ends_with('`') { "`" } else { "" };
            format!("{}…{quote}", printable(&word[..end]))
        }
    };
    text.split(' ').map(cut).collect::<Vec<_>>().join(" ")
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_control(c) { '\u{fffd}' } else { c }).collect()
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The sources as they may be shown: one address space, which lets one finding label several files.
#[derive(Debug)]
pub struct Screen<'a> {
    map: &'a SourceMap,
    /// For each source that is looked at: its text without control characters, when it has any.
    clean: Vec<OnceLock<Option<String>>>,
    width: usize,
}

impl<'a> Screen<'a> {
    /// Makes the sources of a map fit to be shown on so many columns; each is looked at when it is first needed.
    pub fn new(map: &'a SourceMap, width: usize) -> Self {
        Self { map, clean: map.iter().map(|_| OnceLock::new()).collect(), width }
    }

    /// Returns how many columns are left for a line of a source, beside its number.
    fn room(&self, source: &Source) -> usize {
        let digits = source.line_starts().len().max(1).ilog10() as usize + 1;
        self.width.saturating_sub(digits + 4).max(LEAST)
    }

    /// Cuts a place to what can be underlined: its first line when it has many, and not too much of that. Returns it
    /// with the columns that are left for the text below.
    fn fitting(&self, span: Span, labels: &[Label]) -> (Span, usize) {
        let Some(source) = self.map.source_at(span.lo) else { return (span, LEAST) };
        let room = self.room(source);
        let range = source.range(span);
        let text = source.text.get(range.clone()).unwrap_or_default();
        let first = memchr::memchr(b'\n', text.as_bytes()).filter(|&end| end > 0).unwrap_or(text.len());
        let text = text[..first].trim_end();
        let lines = source.line_starts();
        let line = lines.partition_point(|&start| start as usize <= range.start) - 1;
        let end = lines.get(line + 1).map_or(source.text.len(), |&next| next as usize);
        let start = lines[line] as usize;
        let (length, middle) = match fits(source.text[start..end].trim_end(), room) {
            true => (text.len(), columns(&source.text[start..range.start]) + columns(text) / 2),
            // A line that is cut begins a third before its place, or before the one it is shown together with.
            false => {
                let length = prefix(text, room / 3, false);
                let together = |at: usize| columns(&source.text[at..range.start + length]) <= room / 3;
                let places = labels.iter().map(|label| source.range(label.span).start);
                let first = places.filter(|&at| start <= at && at < range.start && together(at)).min();
                let from = first.unwrap_or(range.start);
                (length, room / 3 + columns(&source.text[from..range.start]) + columns(&text[..length]) / 2)
            }
        };
        let left = room.saturating_sub(middle + 5).max(LEAST_WORDS);
        (Span::new(span.lo, span.lo + length as u32), left)
    }

    fn text(&self, source: &'a Source) -> &str {
        let index = self.map.iter().take_while(|other| other.base() < source.base()).count();
        let clean =
            self.clean.get(index).and_then(|cell| cell.get_or_init(|| same_length(&source.text)).as_deref());
        clean.unwrap_or(&source.text)
    }
}

/// Replaces control characters by others of the same length, so that places stay true.
fn same_length(text: &str) -> Option<String> {
    let is_shown_badly = |c: char| is_control(c) && c != '\n' && c != '\r';
    text.contains(is_shown_badly).then(|| {
        let replaced = |c: char| match c.len_utf8() {
            _ if !is_shown_badly(c) => c,
            1 => '?',
            2 => '\u{b7}',
            _ => '\u{fffd}',
        };
        text.chars().map(replaced).collect()
    })
}

impl SourceCode for Shown<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let (lo, hi) = (span.offset(), span.offset() + span.len());
        let source =
            u32::try_from(lo).ok().and_then(|lo| self.1.map.source_at(lo)).ok_or(MietteError::OutOfBounds)?;
        let base = source.base() as usize;
        if hi > base + source.text.len() || hi - lo > LARGEST_PIECE {
            return Err(MietteError::OutOfBounds);
        }
        let text = self.1.text(source);
        let room = self.1.room(source);
        let lines = source.line_starts();
        let line_of = |at: usize| lines.partition_point(|&start| start as usize <= at) - 1;
        let end_of = |line: usize| lines.get(line + 1).map_or(text.len(), |&next| next as usize);
        let whole = |line: usize| fits(text[lines[line] as usize..end_of(line)].trim_end(), room);
        let (lo, hi) = (lo - base, hi - base);
        let (mut first, mut last) = (line_of(lo), line_of(hi));
        let (mut start, mut end) = (lines[first] as usize, end_of(last));
        if before == 0 && after == 0 {
            (start, end) = (lo, hi);
        } else if (first..=last).all(whole) {
            if first > 0 && whole(first - 1) {
                first -= 1;
                start = lines[first] as usize;
            }
            if last + 1 < lines.len() && whole(last + 1) {
                last += 1;
                end = end_of(last);
            }
        } else if columns(&text[lo..hi]) > room / 3 || first != last && hi - lo > 1 {
            // Two places that do not fit together are shown one after the other.
            return Err(MietteError::OutOfBounds);
        } else {
            let line = &text[start..end];
            start = lo - prefix(&text[start..lo], room / 3, true);
            end = hi.max(start + prefix(line[start - lines[first] as usize..].trim_end(), room, false));
            // What is shown by itself is not shown here too, and least of all a part of it.
            for other in self.0.labels.iter().map(|label| source.range(self.1.fitting(label.span, &[]).0)) {
                if (hi..end).contains(&other.start) && other.start > lo {
                    end = other.start;
                }
                if other.end <= lo && other.end > start && other.start < lo {
                    start = other.end;
                }
            }
        }
        let column = text[lines[first] as usize..start].chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            source.name.clone(),
            &text.as_bytes()[start..end],
            SourceSpan::from((base + start, end - start)),
            first,
            column,
            last - first + 1,
        )))
    }
}
