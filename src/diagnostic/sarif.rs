//! Findings as a SARIF 2.1.0 log, which code hosts and editors read.
//!
//! One log is one run of svc, over however many projects. It holds the rules of the codes that were
//! found, and no others.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnostic::machine::{Locator, Place};
use crate::diagnostic::rule::shown;
use crate::diagnostic::{Diagnostic, Diagnostics, Example, Fix, Rule, Severity, SourceMap, Span};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What relative names of files are relative to: where svc was started, mostly the top of a repository.
const ROOT: &str = "%SRCROOT%";

/// A log in the making.
#[derive(Debug)]
pub struct Sarif {
    look_up: fn(&str) -> Option<&'static Rule>,
    rules: Vec<Descriptor>,
    /// Where each code stands in `rules`.
    known: BTreeMap<&'static str, usize>,
    results: Vec<Found>,
}

impl Sarif {
    /// Begins a log; `look_up` says what is known of a code.
    pub fn new(look_up: fn(&str) -> Option<&'static Rule>) -> Self {
        Self { look_up, rules: Vec::new(), known: BTreeMap::new(), results: Vec::new() }
    }

    /// Adds the findings of one compilation.
    pub fn add(&mut self, findings: &Diagnostics, map: &SourceMap) {
        let mut locator = Locator::new(map);
        for finding in findings.iter() {
            let rule_index = self.rule(finding);
            self.results.push(found(finding, rule_index, &mut locator));
        }
    }

    /// Returns where the rule of a finding stands.
    fn rule(&mut self, finding: &Diagnostic) -> usize {
        if let Some(&at) = self.known.get(finding.code) {
            return at;
        }
        self.rules.push(match (self.look_up)(finding.code) {
            Some(rule) => Descriptor::of(rule),
            None => Descriptor::bare(finding.code, finding.severity),
        });
        self.known.insert(finding.code, self.rules.len() - 1);
        self.rules.len() - 1
    }

    /// Returns the whole log. `version` is that of svc.
    pub fn finish(self, version: &'static str) -> String {
        let driver = Driver { name: "svc", version, rules: self.rules };
        let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results: self.results };
        let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
        serde_json::to_string_pretty(&log).expect("a log holds only what JSON can hold") + "\n"
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn found(finding: &Diagnostic, rule_index: usize, locator: &mut Locator<'_>) -> Found {
    let mut places = finding.labels.iter().filter_map(|label| {
        let physical_location = physical(locator.place(label.span)?);
        let message = (!label.text.is_empty()).then(|| Text::of(&label.text));
        Some(Spot { id: None, physical_location, message })
    });
    let locations: Vec<Spot> = places.next().into_iter().collect();
    let mut related_locations: Vec<Spot> = places.collect();
    for (place, id) in related_locations.iter_mut().zip(1..) {
        place.id = Some(id);
    }
    let text = match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    let fixes = finding.fix.iter().filter_map(|fix| change(fix, locator)).collect();
    Found {
        rule_id: finding.code,
        rule_index,
        level: level(finding.severity),
        message: Text { text },
        locations,
        related_locations,
        fixes,
    }
}

fn change(fix: &Fix, locator: &mut Locator<'_>) -> Option<Correction> {
    let Physical { artifact_location, region } = physical(locator.place(fix.span)?);
    let replacement = Replacement { deleted_region: region, inserted_content: Text::of(&fix.with) };
    let change = Change { artifact_location, replacements: [replacement] };
    let text = match (fix.span, fix.with.is_empty()) {
        (_, true) => "remove it".to_owned(),
        (Span { lo, hi }, false) if lo == hi => format!("insert `{}`", fix.with),
        _ => format!("replace it with `{}`", fix.with),
    };
    Some(Correction { description: Text { text }, artifact_changes: [change] })
}

fn physical(place: Place<'_>) -> Physical {
    let Place { file, start, end } = place;
    let region = Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
        byte_offset: start.offset,
        byte_length: end.offset - start.offset,
    };
    let absolute = file.starts_with('/');
    let uri = if absolute { format!("file://{}", escaped(file)) } else { escaped(file) };
    let uri_base_id = (!absolute).then_some(ROOT);
    Physical { artifact_location: Artifact { uri, uri_base_id }, region }
}

/// Escapes what cannot stand in the path of a URI.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Found>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help>,
    default_configuration: Configuration,
}

impl Descriptor {
    fn of(rule: &Rule) -> Self {
        let Rule { code, severity, title, cause, example } = *rule;
        let help = match example {
            Example::Files { wrong, fixed, .. } => {
                let (wrong, fixed) = (shown(wrong), shown(fixed));
                Some(Help {
                    text: format!("{cause}\n\nWrong:\n\n{wrong}\nRight:\n\n{fixed}"),
                    markdown: format!(
                        "{cause}\n\nWrong:\n\n```kdl\n{wrong}```\n\nRight:\n\n```kdl\n{fixed}```\n"
                    ),
                })
            }
            Example::None(_) => None,
        };
        Self {
            short_description: Some(Text::of(title)),
            full_description: Some(Text::of(cause)),
            help,
            ..Self::bare(code, severity)
        }
    }

    fn bare(id: &'static str, severity: Severity) -> Self {
        let default_configuration = Configuration { level: level(severity) };
        Self { id, short_description: None, full_description: None, help: None, default_configuration }
    }
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

impl Text {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Spot>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Spot>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Correction>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spot {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

/// Lines and columns from 1, the end behind the last character; bytes from 0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    byte_offset: usize,
    byte_length: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Correction {
    description: Text,
    artifact_changes: [Change; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: [Replacement; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_become_uris() {
        assert_eq!(escaped("more/a b%é.kdl"), "more/a%20b%25%C3%A9.kdl");
        let mut map = SourceMap::default();
        let at = map.add("/srv/a:b.kdl", "x").expect("small");
        let place = Locator::new(&map).place(Span::new(at, at + 1)).expect("inside");
        let Artifact { uri, uri_base_id } = physical(place).artifact_location;
        assert_eq!((uri.as_str(), uri_base_id), ("file:///srv/a%3Ab.kdl", None));
    }
}
