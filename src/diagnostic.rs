//! Mistakes and where they are: one address space of spans over all files, diagnostics with a
//! stable code, and the forms they are printed in.
//!
//! Knows no KDL and no service. Every pass of the front end pushes into one [`Diagnostics`]; nobody
//! stops at the first mistake.

pub mod human;
pub mod machine;
pub mod rule;
mod sarif;
pub mod source;
pub mod suggest;

pub use human::{Look, human};
pub use machine::{github, json};
pub use rule::{Example, Rule};
pub use sarif::Sarif;
pub use source::{Location, SourceMap, Span, Spanned};

/// How many bytes a message, a label or a help may have; what is longer loses its middle.
const LONGEST: usize = 2_000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, and is probably not what was meant.
    Warning,
    /// Nothing is started until it is mended.
    Error,
}

/// A place in a source with what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The exact characters.
    pub span: Span,
    /// What is said about them; empty to underline only.
    pub text: String,
}

/// A replacement that would mend a mistake, offered only where it is certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// The new text.
    pub with: String,
}

/// One finding: what is wrong, where, what it conflicts with and how to write it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, such as `svc::unknown-dependency`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, lower case, no full stop, the thing in backticks.
    pub message: String,
    /// Places; the first is the primary one. Empty only for a finding that is in no source.
    pub labels: Vec<Label>,
    /// What to do, with the corrected text where there is one.
    pub help: Option<String>,
    /// A certain correction.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// Makes an error with its primary label.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// Makes an error that is in no source, such as a file that cannot be opened.
    pub fn error_without_place(code: &'static str, message: impl Into<String>) -> Self {
        let severity = Severity::Error;
        let message = bounded(message.into());
        Self { code, severity, message, labels: Vec::new(), help: None, fix: None }
    }

    /// Makes a warning with its primary label.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        let primary = Label { span, text: String::new() };
        let message = bounded(message);
        Self { code, severity, message, labels: vec![primary], help: None, fix: None }
    }

    /// Sets the words under the primary label.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = self.labels.first_mut() {
            primary.text = bounded(text.into());
        }
        self
    }

    /// Adds a secondary label.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: bounded(text.into()) });
        self
    }

    /// Sets the help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(bounded(text.into()));
        self
    }

    /// Sets the certain correction.
    #[must_use]
    pub fn fix(mut self, span: Span, with: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, with: with.into() });
        self
    }

    /// Returns where the finding is; the empty span at 0 for one that is in no source.
    pub fn span(&self) -> Span {
        self.labels.first().map(|label| label.span).unwrap_or_default()
    }
}

/// Everything found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Returns whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Returns whether any finding behind the first `len` is an error.
    pub fn has_errors_from(&self, len: usize) -> bool {
        self.list[len..].iter().any(|d| d.severity == Severity::Error)
    }

    /// Returns whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns how many findings there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Drops all findings behind the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Adds everything that `others` hold.
    pub fn append(&mut self, mut others: Self) {
        self.list.append(&mut others.list);
    }

    /// Brings the findings into source order.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|d| (d.span().lo, d.span().hi));
    }

    /// Iterates over the findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Iterates over the findings, to change their words.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Diagnostic> {
        self.list.iter_mut()
    }

    /// Returns how many errors and how many warnings there are.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|d| d.severity == Severity::Error).count();
        (errors, self.list.len() - errors)
    }
}

/// Cuts words that nobody would read to the end: those that quote a text of megabytes.
fn bounded(words: String) -> String {
    if words.len() <= LONGEST {
        return words;
    }
    let head = &words[..words.floor_char_boundary(LONGEST / 2)];
    let tail = &words[words.ceil_char_boundary(words.len() - LONGEST / 2)..];
    format!("{head}…{tail}")
}

/// Counts the findings in words: `2 errors, 1 warning`.
pub fn summary(findings: &Diagnostics) -> String {
    let counted = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let (errors, warnings) = findings.counts();
    let parts: Vec<String> =
        [counted(errors, "error"), counted(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no errors".to_owned() } else { parts.join(", ") }
}
