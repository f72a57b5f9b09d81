//! What decoding needs to know besides the node, and the words for what may not stand where it stands.

use std::path::Path;
use std::sync::Arc;

use crate::base::SharedStr;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span, suggest};
use crate::schema::table::{RowKind, Spec};
use crate::syntax::{Entry, Node, Value};

/// How many names are listed to choose from.
const LONG_LIST: usize = 12;

/// How much of a line is shown in its corrected form, in bytes.
const LONG_REST: usize = 60;

/// Words people bring along.
#[derive(Debug)]
pub struct Vocabulary {
    /// Words of other tools.
    pub foreign: &'static [Foreign],
}

/// A word of another tool, the name here that says the same, and how it is written.
///
/// Without a third column the word is called otherwise and written alike. Without a second one, nothing here
/// is like it, and the third is a sentence.
pub type Foreign = (&'static str, &'static str, &'static str);

/// One document being decoded.
#[derive(Debug)]
pub struct Context<'c> {
    out: &'c mut Diagnostics,
    text: SharedStr,
    base: u32,
    /// The folder of the file; absolute.
    pub folder: Arc<Path>,
    vocabulary: &'static Vocabulary,
    /// Places of syntax errors, in order.
    damage: Vec<u32>,
    mistakes: usize,
}

impl<'c> Context<'c> {
    /// Opens the context of the file whose text begins at `base`. What is in `out` already are its
    /// syntax errors, and those of other files.
    pub fn new(
        out: &'c mut Diagnostics,
        text: Arc<str>,
        base: u32,
        folder: Arc<Path>,
        vocabulary: &'static Vocabulary,
    ) -> Self {
        let end = base + text.len() as u32;
        // A warning is about text that was read: it damages nothing.
        let errors = out.iter().filter(|found| found.severity == Severity::Error);
        let mut damage: Vec<u32> =
            errors.map(|error| error.span().lo).filter(|at| (base..=end).contains(at)).collect();
        damage.sort_unstable();
        Self { out, text: text.into(), base, folder, vocabulary, damage, mistakes: 0 }
    }

    /// Adds a finding.
    pub fn say(&mut self, diagnostic: Diagnostic) {
        self.mistakes += usize::from(diagnostic.severity == Severity::Error);
        self.out.push(diagnostic);
    }

    /// Returns whether anything is found, in this document or before.
    pub fn has_findings(&self) -> bool {
        !self.out.is_empty()
    }

    /// Returns how many errors were said, so that one can see whether there were new ones.
    pub fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// Returns whether a syntax error lies in `span`, so that what seems to be missing from it may only
    /// have been lost.
    pub fn is_damaged(&self, span: Span) -> bool {
        let next = self.damage.partition_point(|&at| at < span.lo);
        self.damage.get(next).is_some_and(|&at| at <= span.hi)
    }

    /// Returns the characters of a span of this file.
    pub fn written(&self, span: Span) -> &str {
        let at = |address: u32| address.saturating_sub(self.base) as usize;
        self.text.get(at(span.lo)..at(span.hi)).unwrap_or_default()
    }

    /// Returns the address of the first character of a string's value, when it stands in the file as it is.
    pub fn verbatim(&self, value: &str, span: Span) -> Option<u32> {
        // Most values are a piece of the text itself, which shows by where they are in memory.
        let at = (value.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if at < self.text.len() && !value.is_empty() {
            return Some(self.base + at as u32);
        }
        let around = (span.hi - span.lo).checked_sub(value.len() as u32)?;
        let first = span.lo + around / 2;
        (around.is_multiple_of(2) && self.written(Span::new(first, first + value.len() as u32)) == value)
            .then_some(first)
    }

    /// Returns a string's value to be kept, and the address of its first character as [`Self::verbatim`]
    /// does: what stands in the file as it is shares the text of the file.
    pub fn shared(&self, value: &str, span: Span) -> (SharedStr, Option<u32>) {
        let first = self.verbatim(value, span);
        let shared = first.map(|first| {
            let at = (first - self.base) as usize;
            self.text.part(at..at + value.len())
        });
        (shared.unwrap_or_else(|| value.into()), first)
    }

    /// Says that a type annotation has no business here, if there is one.
    pub fn no_annotation(&mut self, ty: Option<(&str, Span)>) {
        if let Some((name, span)) = ty {
            let message = format!("the type annotation `({name})` has no meaning here");
            self.say(
                Diagnostic::error("svc::type-annotation", span, message)
                    .help("remove it, with its parentheses"),
            );
        }
    }

    /// Returns whether a node says `(reset)`: that nothing is inherited. Any other annotation, and this one where
    /// nothing is inherited anyway, is said to mean nothing.
    pub fn is_reset(&mut self, node: Node<'_>, layered: bool) -> bool {
        let reset = layered && matches!(node.ty(), Some(("reset", _)));
        if !reset {
            self.no_annotation(node.ty());
        }
        reset
    }

    /// Says that a node that goes back to what is built in has nothing more to say.
    pub fn bare_reset(&mut self, node: Node<'_>) {
        if node.entries().len() > 0 || node.block_span().is_some() {
            let name = node.name();
            let message = format!("`(reset){name}` goes back to what is built in and takes nothing");
            let help = format!(
                "a `{name}` of its own replaces what is inherited anyway: write it without `(reset)`"
            );
            self.say(Diagnostic::error("svc::reset", node.head_span(), message).help(help));
        }
    }

    /// Says that a value is of the wrong kind. Nothing is said about a value that is known to be bad.
    pub fn wrong(&mut self, entry: Entry<'_>, expected: &str) {
        let found = match entry.value() {
            Value::Bad => return self.mistakes += 1,
            Value::String(text) => format!("the text `{text}`"),
            Value::Number(text) => format!("the number {text}"),
            Value::Bool(value) => format!("`#{value}`"),
            Value::Null => "`#null`".to_owned(),
        };
        let message = format!("expected {expected}, found {found}");
        self.say(
            Diagnostic::error("svc::wrong-type", entry.value_span(), message).here(format!("not {expected}")),
        );
    }

    /// Says that an argument is one too many.
    pub fn surplus(&mut self, node: Node<'_>, entry: Entry<'_>, spec: &Spec) {
        if entry.value() == Value::Bad {
            return self.mistakes += 1;
        }
        let takes = spec.rows.iter().filter(|row| row.kind == RowKind::Argument).count();
        let message = match takes {
            0 => format!("`{}` takes no argument", node.name()),
            _ => format!("`{}` takes one argument", node.name()),
        };
        let mut diagnostic =
            Diagnostic::error("svc::surplus-argument", entry.value_span(), message).here("one too many");
        if takes > 0 {
            diagnostic = diagnostic.help("a text with blanks is quoted as a whole; else remove it");
        } else if spec.rows.iter().any(|row| row.kind == RowKind::Child) {
            diagnostic = diagnostic.help("what belongs to it stands in its block, between `{` and `}`");
        }
        self.say(diagnostic);
    }

    /// Says that a property is not known.
    pub fn unknown_property(&mut self, node: Node<'_>, key: &str, span: Span, spec: &Spec) {
        let names = || spec.rows.iter().filter(|row| row.kind == RowKind::Property).map(|row| row.name);
        let message = format!("`{}` has no property `{key}`", node.name());
        let diagnostic = Diagnostic::error("svc::unknown-property", span, message);
        let child = spec.rows.iter().any(|row| row.kind == RowKind::Child && row.name == key);
        let diagnostic = match child {
            true => {
                let value = self.written(Span::new(span.hi, self.end_of_value(node, span)));
                let line = format!("{key} {}", value.trim_start_matches([' ', '=']));
                diagnostic
                    .help(format!("`{key}` is a node of its own: write `{line}` on a line in the block"))
            }
            false => {
                let rest = self.written(Span::new(span.hi, self.end_of_value(node, span))).to_owned();
                self.meant(
                    diagnostic,
                    Unknown { name: key, span, place: node.name(), rest: short(&rest) },
                    names().collect(),
                )
            }
        };
        self.say(diagnostic);
    }

    /// Returns where the value of the property ends whose name is at `key`.
    fn end_of_value(&self, node: Node<'_>, key: Span) -> u32 {
        let entry = node.properties().find(|(_, entry)| entry.span().lo == key.lo);
        entry.map_or(key.hi, |(_, entry)| entry.value_span().hi.max(key.hi))
    }

    /// Says that a node is not known.
    pub fn unknown_node(&mut self, node: Node<'_>, place: &str, known: Vec<&'static str>) {
        let (name, span) = (node.name(), node.name_span());
        if let Some(bare) = name.strip_suffix(':') {
            let diagnostic =
                Diagnostic::error("svc::colon", span, format!("`{name}` has a colon at its end"));
            let diagnostic = diagnostic.help(format!("drop the colon: `{bare}`"));
            return self.say(diagnostic.fix(span, bare));
        }
        let message = match place {
            "" => format!("there is no node `{name}`"),
            place => format!("there is no node `{name}` in `{place}`"),
        };
        let rest = self.written(Span::new(span.hi, node.head_span().hi.max(span.hi))).to_owned();
        let unknown = Unknown { name, span, place, rest: short(rest.trim_end()) };
        let diagnostic = self.meant(Diagnostic::error("svc::unknown-node", span, message), unknown, known);
        self.say(diagnostic);
    }

    /// Returns the known name that an unknown one was most probably meant for, when only the name differs.
    pub fn stands_for(&self, name: &str, known: &[&'static str]) -> Option<&'static str> {
        let same = |word: &str| suggest::same(word, name);
        if let Some(word) = known.iter().find(|word| same(word)) {
            return Some(word);
        }
        match self.vocabulary.foreign.iter().find(|(word, ..)| same(word)) {
            Some((_, here, "")) => known.iter().find(|word| *word == here).copied(),
            Some(_) => None,
            None => suggest::nearest(name, known.iter().copied()),
        }
    }

    /// Adds what was meant by an unknown name.
    fn meant(&self, diagnostic: Diagnostic, unknown: Unknown<'_>, known: Vec<&'static str>) -> Diagnostic {
        let Unknown { name, span, .. } = unknown;
        if let Some(same) = known.iter().find(|word| suggest::same(word, name)) {
            return diagnostic.help(unknown.renamed("did you mean", same) + "?").fix(span, *same);
        }
        let foreign = self.vocabulary.foreign;
        if let Some(row) = foreign.iter().find(|(word, ..)| suggest::same(word, name)) {
            return unknown.translated(diagnostic, row, &known);
        }
        if let Some(near) = suggest::nearest(name, known.iter().copied()) {
            return diagnostic.help(unknown.renamed("did you mean", near) + "?").fix(span, near);
        }
        let near = suggest::nearest(name, foreign.iter().map(|(word, ..)| *word));
        match near.and_then(|near| foreign.iter().find(|(word, ..)| *word == near)) {
            Some(row) => unknown.translated(diagnostic, row, &known),
            None if known.is_empty() => diagnostic,
            None if known.len() > LONG_LIST => {
                diagnostic.help(format!("`svc explain {}` shows what may stand here", unknown.place))
            }
            None => diagnostic.help(format!("known here: {}", list(&known))),
        }
    }

    /// Says that something is given twice.
    pub fn twice(&mut self, code: &'static str, what: &str, first: Span, again: Span) {
        let diagnostic = Diagnostic::error(code, again, format!("{what} is given twice"));
        self.say(diagnostic.here("again here").label(first, "first here").help("remove one of them"));
    }

    /// Says that something is missing, unless it may have been lost in a syntax error.
    pub fn missing(&mut self, node: Node<'_>, what: &str, help: &str) {
        if node.is_broken() || self.is_damaged(node.span()) {
            return self.mistakes += 1;
        }
        let message = format!("`{}` needs {what}", node.name());
        self.say(Diagnostic::error("svc::missing", node.head_span(), message).help(help));
    }

    /// Says that a node lacks something, after it was read; unless that may only not have been understood, or
    /// may have been lost in a syntax error.
    pub fn lacks(&mut self, span: Span, mistaken: bool, message: &str, help: &str) {
        if !mistaken && !self.is_damaged(span) {
            self.say(Diagnostic::error("svc::missing", span, message).help(help));
        }
    }

    /// Says that of several properties that say the same in different ways there is none, or more than one.
    pub fn one_of(
        &mut self,
        node: &str,
        span: Span,
        mistaken: bool,
        given: &[(&str, Option<Span>)],
        help: &str,
    ) {
        let mut given = given.iter().filter_map(|(name, span)| Some((*name, (*span)?)));
        match (given.next(), given.next()) {
            (None, _) => self.lacks(span, mistaken, &format!("`{node}` does not say where"), help),
            (Some(_), None) => {}
            (Some((first, first_span)), Some((second, second_span))) => {
                let message = format!("`{node}` is one thing, not both `{first}` and `{second}`");
                self.say(
                    Diagnostic::error("svc::one-of", second_span, message)
                        .here("and this")
                        .label(first_span, "this")
                        .help(format!("keep one of them; a second one gets a `{node}` of its own")),
                );
            }
        }
    }

    /// Says that a node that takes a list stands there without one. `ty` is one of it: `a name`.
    pub fn missing_list(&mut self, node: Node<'_>, ty: &str) {
        let one = ty.strip_prefix("an ").or_else(|| ty.strip_prefix("a ")).unwrap_or(ty);
        let help = format!("write it behind `{}`, or remove the line", node.name());
        self.missing(node, &format!("at least one {one}"), &help);
    }

    /// Says that a text is used as it stands, where somebody wrote a variable into it. Returns whether
    /// it is free of them.
    pub fn no_variables(&mut self, text: &str, span: Span) -> bool {
        if !text.contains("${") {
            return true;
        }
        let place = |first: u32| {
            let lo = text.find("${").unwrap_or_default();
            let hi = text[lo..].find('}').map_or(text.len(), |end| lo + end + 1);
            Span::new(first + lo as u32, first + hi as u32)
        };
        let span = self.verbatim(text, span).map_or(span, place);
        let diagnostic =
            Diagnostic::error("svc::no-variables-here", span, "variables are not replaced in this text");
        self.say(diagnostic.help(
            "write it out; `${…}` is for what a process is given, such as `command`, `env` and probes",
        ));
        false
    }

    /// Says that a node has a block it may not have.
    pub fn no_block(&mut self, node: Node<'_>) {
        if let Some(first) = node.children().next() {
            let message = format!("`{}` takes no block", node.name());
            let diagnostic = Diagnostic::error("svc::surplus-block", first.name_span(), message);
            let help = format!("what `{}` takes stands behind it on its line", node.name());
            self.say(diagnostic.here("this is in its block").help(help));
        }
    }
}

/// A name that is not known where it stands.
#[derive(Clone, Copy)]
struct Unknown<'a> {
    name: &'a str,
    span: Span,
    /// The node it stands in; empty at the top level.
    place: &'a str,
    /// What is written behind it, which would stay: ` "./web"`, `="1s"`.
    rest: &'a str,
}

impl Unknown<'_> {
    /// Says what it would be with another name.
    fn renamed(self, introduction: &str, name: &str) -> String {
        format!("{introduction} `{name}{}`", self.rest)
    }

    /// Adds what a word of another tool is here.
    fn translated(self, diagnostic: Diagnostic, row: &Foreign, known: &[&str]) -> Diagnostic {
        let (word, here, example) = *row;
        let word = if suggest::same(word, self.name) { self.name } else { word };
        match (here, example) {
            ("", sentence) => diagnostic.help(sentence),
            (here, "") if known.contains(&here) => diagnostic
                .help(self.renamed(&format!("`{word}` is called `{here}` here: write"), here))
                .fix(self.span, here),
            (here, "") => diagnostic.help(format!("`{word}` is called `{here}` here")),
            (here, example) => diagnostic.help(format!("`{word}` is `{here}` here, as in `{example}`")),
        }
    }
}

/// Leaves out what is too long to be shown again.
fn short(rest: &str) -> &str {
    if rest.len() <= LONG_REST && !rest.contains('\n') { rest } else { " …" }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
