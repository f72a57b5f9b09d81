//! Texts with variables: `"127.0.0.1:${PORT:-8080}"`.
//!
//! A text is kept as it was written and is cut into pieces when it is used, because most texts have
//! no variable and what a variable means is known only to an instance.

use std::fmt;

use crate::base::SharedStr;
use crate::diagnostic::Span;

/// A text as it stands in a service file.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// What is written, unescaped, variables included.
    pub raw: SharedStr,
    /// Where it is written.
    pub span: Span,
    /// The address of its first character, when it is written without escapes, so that a place in
    /// `raw` is a place in the file; otherwise the whole `span` stands for every place in it.
    verbatim: Option<u32>,
    /// Whether `$` means anything in it.
    variables: bool,
    /// Whether it is marked as one that is not to be shown.
    pub secret: bool,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stands for itself.
    Literal(&'t str),
    /// A variable: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.
    Variable {
        /// The name.
        name: &'t str,
        /// From `$` to `}`.
        span: Span,
        /// What holds when it is not defined or empty.
        otherwise: Otherwise<'t>,
    },
    /// It begins with `${` and is no variable.
    Malformed {
        /// What is wrong with it.
        span: Span,
        /// How.
        why: Malformed,
    },
}

/// What holds when a variable is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise<'t> {
    /// It is a mistake.
    Mistake,
    /// It is this; an empty value counts as none.
    Default(&'t str),
    /// It is a mistake, and this is to be said; an empty value counts as none.
    Message(&'t str),
}

/// What is wrong with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// There is no `}`.
    Unclosed,
    /// There is no name: `${}`.
    Nameless,
    /// Behind the name stands neither `}` nor `:-` nor `:?`.
    Operator,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = if self.secret { "***" } else { self.raw.as_str() };
        let Self { raw: _, span, verbatim, variables, secret } = self;
        let mut shown = f.debug_struct("Text");
        shown.field("raw", &raw).field("span", span).field("verbatim", verbatim);
        shown.field("variables", variables).field("secret", secret).finish()
    }
}

impl Text {
    /// Makes a text with variables. `verbatim` is the address of its first character when `raw` is in
    /// the file letter by letter.
    pub fn new(raw: impl Into<SharedStr>, span: Span, verbatim: Option<u32>) -> Self {
        Self { raw: raw.into(), span, verbatim, variables: true, secret: false }
    }

    /// Makes a text in which `$` stands for itself, as in a `shell`.
    pub fn literal(raw: impl Into<SharedStr>, span: Span) -> Self {
        Self { raw: raw.into(), span, verbatim: None, variables: false, secret: false }
    }

    /// Returns the text when it holds nothing variable.
    pub fn constant(&self) -> Option<&SharedStr> {
        (!self.variables || memchr::memchr(b'$', self.raw.as_bytes()).is_none()).then_some(&self.raw)
    }

    /// Returns what is written for it where variables are replaced.
    pub fn written(&self) -> String {
        if self.variables { self.raw.to_string() } else { self.raw.replace('$', "$$") }
    }

    /// Iterates over its pieces. `$$` is `$`; a `$` before anything but `{` stands for itself.
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { text: self, at: 0 }
    }

    /// Returns where the bytes from `lo` to `hi` of `raw` are.
    fn place(&self, lo: usize, hi: usize) -> Span {
        self.verbatim.map_or(self.span, |first| Span::new(first + lo as u32, first + hi as u32))
    }
}

/// Iterates over the pieces of a text.
#[derive(Clone, Debug)]
pub struct Pieces<'t> {
    text: &'t Text,
    at: usize,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let start = self.at;
        let rest = self.text.raw.get(start..).filter(|rest| !rest.is_empty())?;
        if !self.text.variables {
            self.at = self.text.raw.len();
            return Some(Piece::Literal(rest));
        }
        if rest.starts_with("${") {
            return Some(self.variable(start, rest));
        }
        if rest.starts_with("$$") {
            self.at += 2;
            return Some(Piece::Literal("$"));
        }
        // Up to the next `$` that may mean something; the first character never does.
        let next = rest.bytes().skip(1).position(|byte| byte == b'$').map_or(rest.len(), |at| at + 1);
        self.at += next;
        Some(Piece::Literal(&rest[..next]))
    }
}

impl<'t> Pieces<'t> {
    fn variable(&mut self, start: usize, rest: &'t str) -> Piece<'t> {
        let Some(close) = rest.find('}') else {
            self.at += rest.len();
            let span = self.text.place(start, start + rest.len());
            return Piece::Malformed { span, why: Malformed::Unclosed };
        };
        self.at += close + 1;
        let span = self.text.place(start, start + close + 1);
        let inside = &rest[2..close];
        let length = inside.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, operator) = inside.split_at(length);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Piece::Malformed { span, why: Malformed::Nameless };
        }
        let otherwise = match (operator.strip_prefix(":-"), operator.strip_prefix(":?")) {
            _ if operator.is_empty() => Otherwise::Mistake,
            (Some(default), _) => Otherwise::Default(default),
            (_, Some(message)) => Otherwise::Message(message),
            (None, None) => return Piece::Malformed { span, why: Malformed::Operator },
        };
        Piece::Variable { name, span, otherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(raw: &str) -> String {
        let text = Text::new(raw, Span::new(9, 99), Some(10));
        let shown = text.pieces().map(|piece| match piece {
            Piece::Literal(text) => format!("[{text}]"),
            Piece::Variable { name, span, otherwise } => {
                format!("{name}@{}..{} {otherwise:?}", span.lo, span.hi)
            }
            Piece::Malformed { span, why } => format!("{why:?}@{}..{}", span.lo, span.hi),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_is_cut_into_literals_and_variables() {
        assert_eq!(
            pieces("http://${HOST}:${PORT:-80}/"),
            "[http://] HOST@17..24 Mistake [:] PORT@25..36 Default(\"80\") [/]"
        );
        assert_eq!(pieces("${T:?set T in .env}"), "T@10..29 Message(\"set T in .env\")");
        assert_eq!(pieces(""), "");
    }

    #[test]
    fn a_dollar_is_doubled_or_stands_for_itself() {
        assert_eq!(pieces("$$"), "[$]");
        assert_eq!(pieces("$${A}"), "[$] [{A}]");
        assert_eq!(pieces("5$ $A é$"), "[5] [$ ] [$A é] [$]");
    }

    #[test]
    fn what_is_no_variable_says_how() {
        assert_eq!(pieces("a ${B"), "[a ] Unclosed@12..15");
        assert_eq!(pieces("${}${1}"), "Nameless@10..13 Nameless@13..17");
        assert_eq!(pieces("${A-b}${A:+b}"), "Operator@10..16 Operator@16..23");
    }

    #[test]
    fn in_a_literal_text_a_dollar_is_a_dollar() {
        let text = Text::literal("echo ${A} $$", Span::default());
        assert_eq!(text.pieces().collect::<Vec<_>>(), [Piece::Literal("echo ${A} $$")]);
        assert_eq!(text.constant().map(SharedStr::as_str), Some("echo ${A} $$"));
    }

    #[test]
    fn an_escaped_text_blames_all_of_itself() {
        let text = Text::new("a\n${A}", Span::new(3, 12), None);
        assert!(
            matches!(text.pieces().last(), Some(Piece::Variable { span, .. }) if span == Span::new(3, 12))
        );
    }
}
