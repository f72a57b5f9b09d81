//! What is not to be shown is taken out of findings: out of the lines they quote and out of their words.
//!
//! Worked out only when there is something to show. A line keeps its length, so that what is underlined stays in its place.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::diagnostic::{Diagnostics, SourceMap, Span};
use crate::model::node::env;
use crate::model::node::probe::is_secret_header;
use crate::model::service::{has_password, is_secret_name};
use crate::schema::HIDDEN;
use crate::syntax::{self, Node, Value};

/// The shortest text that is looked for in words: a shorter one may be any part of any word.
const SHORTEST: usize = 4;

/// Takes secrets out of sources and of what was found in them. The first `service_files` sources are service files, the
/// others env-files.
pub fn hide(map: &mut SourceMap, service_files: usize, lists: &mut [&mut Diagnostics]) {
    if lists.iter().all(|list| list.is_empty()) {
        return;
    }
    let mut found = Found::default();
    for (index, source) in map.iter().enumerate() {
        let (text, base) = (&source.text, source.base());
        if index < service_files {
            let document = syntax::parse(text, base, &mut Diagnostics::default());
            document.nodes().for_each(|node| found.node(node, ""));
            found.marks(text, base);
        } else {
            found.env_file(text, base);
        }
    }
    if found.spans.is_empty() {
        return;
    }
    map.hide(&found.spans);
    let texts = found.texts.iter().filter(|text| text.len() >= SHORTEST);
    let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
    let Ok(search) = search else { return };
    let clean = |text: &mut String| {
        if search.is_match(text.as_str()) {
            let mut shown = String::with_capacity(text.len());
            search.replace_all_with(text, &mut shown, |_, _, out| {
                out.push_str(HIDDEN);
                true
            });
            *text = shown;
        }
    };
    for finding in lists.iter_mut().flat_map(|list| list.iter_mut()) {
        clean(&mut finding.message);
        finding.labels.iter_mut().for_each(|label| clean(&mut label.text));
        finding.help.iter_mut().for_each(clean);
        finding.fix.iter_mut().for_each(|fix| clean(&mut fix.with));
    }
}

/// What is not to be shown.
#[derive(Default)]
struct Found {
    spans: Vec<Span>,
    texts: Vec<String>,
}

impl Found {
    /// Looks into a node of a service file; `around` is the name of the one it stands in.
    fn node(&mut self, node: Node<'_>, around: &str) {
        // A mark in front of a node is a mistake; what follows it was still meant to stay hidden.
        if matches!(node.ty(), Some(("secret", _))) {
            self.add(node.name_span(), node.name());
        }
        for entry in node.entries() {
            let key = entry.key().map(|(key, _)| key);
            let marked = matches!(entry.ty(), Some(("secret", _)));
            let named = match (node.name(), key) {
                ("env", Some(key)) => is_secret_name(key),
                ("header", Some(key)) => is_secret_header(key),
                (_, Some("password-hash")) => true,
                _ => around == "env" && is_secret_name(node.name()),
            };
            let (Value::String(text) | Value::Number(text)) = entry.value() else {
                if marked || named {
                    self.spans.push(entry.value_span());
                }
                continue;
            };
            // `env "API_KEY=…"` is a mistake, and one with a secret in it.
            let assigned =
                text.split_once('=').filter(|(name, _)| node.name() == "env" && is_secret_name(name));
            if marked || named || has_password(text) {
                self.add(entry.value_span(), text);
            } else if let Some((_, value)) = assigned {
                self.add(entry.value_span(), value);
            }
        }
        node.children().for_each(|child| self.node(child, node.name()));
    }

    /// Looks for the marks by themselves: in a line with a mistake of syntax the tree may not have the value.
    fn marks(&mut self, text: &str, base: u32) {
        for (at, word) in text.match_indices("secret") {
            let Some(from) = marked(text, at, at + word.len()) else { continue };
            let length = match text[from..].strip_prefix('"') {
                Some(quoted) => quoted_len(quoted),
                None => text[from..].find(|c: char| c.is_whitespace() || ";{}".contains(c)),
            };
            let from = from + usize::from(text[from..].starts_with('"'));
            let to = length.map_or(text.len(), |length| from + length);
            if from < to {
                self.add(Span::new(base + from as u32, base + to as u32), &text[from..to]);
            }
        }
    }

    fn env_file(&mut self, text: &str, base: u32) {
        let (variables, mistakes) = env::parse(text, base);
        for variable in variables.iter().filter(|variable| variable.is_secret()) {
            if let Some(value) = &variable.value {
                self.add(value.span, &value.raw);
            }
        }
        // A line that is not understood may be one of a secret: of a key that was pasted without its quotes.
        for (span, _) in mistakes {
            let at = |address: u32| (address - base) as usize;
            let line = &text[at(span.lo)..at(span.hi)];
            let name = line.split(['=', ' ', '\t']).find(|word| !word.is_empty() && *word != "export");
            let begins_one = name.is_some_and(is_secret_name);
            if begins_one || line.contains("-----BEGIN") {
                self.spans.push(Span::new(span.lo, base + text.len() as u32));
                self.texts.extend(text[at(span.lo)..].lines().map(|line| line.trim().to_owned()));
                return;
            }
        }
    }

    fn add(&mut self, span: Span, text: &str) {
        self.spans.push(span);
        self.texts.push(text.to_owned());
        // A value of several lines is never quoted as a whole.
        self.texts.extend(text.lines().map(str::to_owned));
    }
}

/// Where the value begins that is marked by a word: `(secret)value`, with blanks anywhere.
fn marked(text: &str, word: usize, end: usize) -> Option<usize> {
    const BLANKS: [char; 2] = [' ', '\t'];
    let opened = text[..word].strip_suffix('"').map_or(word, str::len);
    text[..opened].trim_end_matches(BLANKS).strip_suffix('(')?;
    let rest = if opened < word { text[end..].strip_prefix('"')? } else { &text[end..] };
    let value = rest.trim_start_matches(BLANKS).strip_prefix(')')?.trim_start_matches(BLANKS);
    Some(text.len() - value.len())
}

/// The length of what stands in quotes, up to the closing one or the end of the line.
fn quoted_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'\n' || byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Vec<String> {
        let mut found = Found::default();
        found.marks(text, 0);
        found.texts.sort();
        found.texts.dedup();
        found.texts
    }

    #[test]
    fn a_mark_in_broken_text_hides_what_follows_however_it_is_written() {
        for text in [
            "a=(secret)\"key one\" b",
            "a=( secret ) \"key one\"",
            "a=(\"secret\")\"key one\"",
            "(secret)\t\"key one",
            "(secret)\"key one\nb\"",
        ] {
            assert_eq!(hidden(text), ["key one"], "{text}");
        }
        assert_eq!(hidden("a=(secret)key; b"), ["key"]);
        assert_eq!(hidden(r#"(secret)"key\"one" b"#), [r#"key\"one"#]);
    }

    #[test]
    fn a_word_that_is_no_mark_hides_nothing() {
        for text in [
            "secret \"key\"",
            "(secret",
            "(secrets)\"key\"",
            "(my-secret)\"key\"",
            "(\"secret)\"key\"",
            "(secret)",
        ] {
            assert!(hidden(text).is_empty(), "{text}: {:?}", hidden(text));
        }
    }
}
