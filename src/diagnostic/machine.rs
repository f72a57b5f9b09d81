//! Findings for programs: one JSON object a line, and the annotations of GitHub's workflows.

use std::fmt;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Diagnostics, Location, Severity, SourceMap, Span};

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    labels: Vec<LabelForm<'a>>,
    help: Option<&'a str>,
    fix: Option<FixForm<'a>>,
}

#[derive(Serialize)]
struct LabelForm<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    text: &'a str,
    primary: bool,
}

#[derive(Serialize)]
struct FixForm<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    with: &'a str,
}

/// A span as people and other programs count.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) start: Point,
    pub(super) end: Point,
}

/// Lines and columns from 1, columns in characters; the offset in bytes from 0.
#[derive(Serialize)]
pub(super) struct Point {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) offset: usize,
}

/// Writes every finding as a JSON object on a line of its own.
///
/// # Errors
///
/// When `out` takes no more.
pub fn json(out: &mut dyn fmt::Write, findings: &Diagnostics, map: &SourceMap) -> fmt::Result {
    let mut locator = Locator::new(map);
    for finding in findings.iter() {
        let labels = finding.labels.iter().enumerate().filter_map(|(index, label)| {
            let place = locator.place(label.span)?;
            Some(LabelForm { place, text: &label.text, primary: index == 0 })
        });
        let labels = labels.collect();
        let fix = finding.fix.as_ref().and_then(|fix| {
            let place = locator.place(fix.span)?;
            Some(FixForm { place, with: &fix.with })
        });
        let (severity, help) = (severity(finding), finding.help.as_deref());
        let line = Line {
            schema: "svc.diagnostic/1",
            code: finding.code,
            severity,
            message: &finding.message,
            labels,
            help,
            fix,
        };
        writeln!(out, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)?;
    }
    Ok(())
}

fn severity(finding: &Diagnostic) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Writes every finding as a workflow command, which GitHub shows beside the line it is about.
///
/// # Errors
///
/// When `out` takes no more.
pub fn github(out: &mut dyn fmt::Write, findings: &Diagnostics, map: &SourceMap) -> fmt::Result {
    let mut locator = Locator::new(map);
    for finding in findings.iter() {
        write!(out, "::{} ", severity(finding))?;
        let place = finding.labels.first().and_then(|label| locator.place(label.span));
        if let Some(Place { file, start, end }) = place {
            write!(out, "file={},line={},col={},", property(file), start.line, start.column)?;
            write!(out, "endLine={},endColumn={},", end.line, end.column)?;
        }
        let mut message = finding.message.clone();
        for label in finding.labels.iter().filter(|label| !label.text.is_empty()) {
            if let Some(Place { file, start, .. }) = locator.place(label.span) {
                message.push_str(&format!("\n{file}:{}:{}: {}", start.line, start.column, label.text));
            }
        }
        if let Some(help) = &finding.help {
            message.push_str("\nhelp: ");
            message.push_str(help);
        }
        writeln!(out, "title={}::{}", property(finding.code), data(&message))?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Finds lines and columns. It goes on from the last place when the next one is behind it on the
/// same line, so that ten thousand findings on one long line cost no more than reading it.
pub(super) struct Locator<'a> {
    map: &'a SourceMap,
    last: Option<(u32, Location<'a>)>,
}

impl<'a> Locator<'a> {
    pub(super) fn new(map: &'a SourceMap) -> Self {
        Self { map, last: None }
    }

    pub(super) fn place(&mut self, span: Span) -> Option<Place<'a>> {
        let start = self.point(span.lo)?;
        let file = self.last.as_ref()?.1.file;
        let after_start = self.last;
        let end = self.point(span.hi)?;
        self.last = after_start;
        Some(Place { file, start, end })
    }

    fn point(&mut self, at: u32) -> Option<Point> {
        let location = match self.last {
            Some((from, last)) if from <= at => self.onward(from, last, at)?,
            _ => self.map.location(at)?,
        };
        self.last = Some((at, location));
        Some(Point { line: location.line, column: location.column, offset: location.offset })
    }

    fn onward(&self, from: u32, last: Location<'a>, at: u32) -> Option<Location<'a>> {
        let source = self.map.source_at(from)?;
        let line_end =
            source.line_starts().get(last.line).map_or(source.span().hi, |&next| source.base() + next - 1);
        if at > line_end {
            return self.map.location(at);
        }
        let between = source.text.get(source.range(Span::new(from, at)))?;
        let column = last.column + between.chars().count();
        Some(Location { column, offset: last.offset + between.len(), ..last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (SourceMap, Diagnostics) {
        let mut map = SourceMap::default();
        let a = map.add("a.kdl", "one é two\nthree\n").expect("small");
        let b = map.add("b,c.kdl", "four").expect("small");
        let mut findings = Diagnostics::default();
        let at = |lo, hi| Span::new(a + lo, a + hi);
        findings.push(
            Diagnostic::error("svc::x", at(7, 10), "100 % wrong\nhere").help("do: it").fix(at(7, 10), "2"),
        );
        findings.push(Diagnostic::warning("svc::y", Span::new(b, b + 4), "odd").label(at(11, 16), "see"));
        findings.push(Diagnostic::error_without_place("svc::z", "no file"));
        (map, findings)
    }

    #[test]
    fn json_is_one_object_a_line_with_lines_columns_and_offsets() {
        let (map, findings) = sample();
        let mut out = String::new();
        json(&mut out, &findings, &map).expect("a String takes everything");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn github_annotations_escape_what_would_end_them() {
        let (map, findings) = sample();
        let mut out = String::new();
        github(&mut out, &findings, &map).expect("a String takes everything");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn going_on_from_the_last_place_gives_the_same_answer_as_starting_anew() {
        let (map, _) = sample();
        let mut locator = Locator::new(&map);
        for at in [0, 4, 6, 9, 10, 11, 12, 17, 18, 20, 3, 22] {
            let found = locator.point(at).map(|p| (p.line, p.column, p.offset));
            assert_eq!(found, map.location(at).map(|l| (l.line, l.column, l.offset)), "{at}");
        }
    }
}
