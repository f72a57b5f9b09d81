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

use crate::diagnostic::source::Source;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, SourceMap, Span, summary};

/// A line longer than this, in bytes, is shown in part.
const LONG_LINE: usize = 500;

/// How much of a long line is shown on each side of what is wrong, in bytes.
const MARGIN: usize = 60;

/// The most bytes between two places that are shown as one piece of a source.
const LARGEST_PIECE: usize = 4_000;

/// The most bytes of one place that are underlined.
const LONG_LABEL: usize = 200;

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

/// Draws the findings, in the order they have, and a line that counts them.
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
    let screen = Screen::new(map);
    for finding in findings.iter().take(look.limit) {
        handler.render_report(&mut out, &Shown(finding, &screen))?;
        writeln!(out)?;
    }
    let left = findings.len().saturating_sub(look.limit);
    if left > 0 {
        writeln!(out, "… and {left} more")?;
    }
    if !findings.is_empty() {
        writeln!(out, "{}", summary(findings))?;
    }
    Ok(())
}

fn handler(look: &Look) -> GraphicalReportHandler {
    let characters = if look.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let styles = if look.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_links(false)
        .with_width(look.width)
        .with_context_lines(1)
        .tab_width(4)
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
        (!self.0.labels.is_empty()).then_some(self.1 as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.0.labels.is_empty() {
            return None;
        }
        let labels = self.0.labels.iter().enumerate().map(|(index, label)| {
            let span = shortened(label.span, self.1.map);
            let text = (!label.text.is_empty()).then(|| harmless(&label.text));
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

/// Cuts a place to what can be drawn: its first line when it has many, and not too much of that.
fn shortened(span: Span, map: &SourceMap) -> Span {
    let Some(source) = map.source_at(span.lo) else { return span };
    let range = source.range(span);
    let text = source.text.get(range).unwrap_or_default();
    let first = memchr::memchr(b'\n', text.as_bytes()).filter(|&end| end > 0).unwrap_or(text.len());
    let mut length = if text.len() > first { first } else { text.len() };
    length = text[..length].trim_end().len().min(LONG_LABEL);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    Span::new(span.lo, span.lo + length as u32)
}

/// Takes out what a terminal would obey instead of show.
fn harmless(text: &str) -> String {
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
}

impl<'a> Screen<'a> {
    /// Makes the sources of a map fit to be shown; each is looked at when it is first needed.
    pub fn new(map: &'a SourceMap) -> Self {
        Self { map, clean: map.iter().map(|_| OnceLock::new()).collect() }
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

impl SourceCode for Screen<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let (lo, hi) = (span.offset(), span.offset() + span.len());
        let source =
            u32::try_from(lo).ok().and_then(|lo| self.map.source_at(lo)).ok_or(MietteError::OutOfBounds)?;
        let base = source.base() as usize;
        if hi > base + source.text.len() || hi - lo > LARGEST_PIECE {
            return Err(MietteError::OutOfBounds);
        }
        let text = self.text(source);
        let lines = source.line_starts();
        let line_of = |at: usize| lines.partition_point(|&start| start as usize <= at) - 1;
        let end_of = |line: usize| lines.get(line + 1).map_or(text.len(), |&next| next as usize);
        let (lo, hi) = (lo - base, hi - base);
        let (mut first, mut last) = (line_of(lo), line_of(hi));
        let (mut start, mut end) = (lines[first] as usize, end_of(last));
        if before == 0 && after == 0 {
            (start, end) = (lo, hi);
        }
        if lo - start > LONG_LINE {
            start = text.floor_char_boundary(lo - MARGIN);
        } else {
            while first > 0 && line_of(lo) - first < before && start - lines[first - 1] as usize <= LONG_LINE
            {
                first -= 1;
                start = lines[first] as usize;
            }
        }
        if end - hi > LONG_LINE {
            end = text.ceil_char_boundary(hi + MARGIN);
        } else {
            while last + 1 < lines.len() && last - line_of(hi) < after && end_of(last + 1) - end <= LONG_LINE
            {
                last += 1;
                end = end_of(last);
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
