//! `command` and `shell`, and how one text becomes words.
//!
//! Several arguments are the words as they are written. One is split by the quoting rules of POSIX;
//! what only a shell understands is a mistake, because it would reach the program as it is.

use crate::base::SharedStr;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::node::value::covering;
use crate::model::service::Command;
use crate::model::text::Text;
use crate::schema::{Context, FromNode, FromValue, HIDDEN, Row, RowKind, Spec, WrittenNode, WrittenValue};
use crate::syntax::{Entry, Node, Value};

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Words(pub Vec<Text>);

impl FromValue for Words {
    const TYPE: &'static str = "a command line";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let span = entry.value_span();
        let (whole, first) = cx.shared(text, span);
        match split(&whole, span, first) {
            Ok(words) if words.is_empty() => {
                cx.say(Diagnostic::error("svc::empty-command", span, "there is no program to run"));
                None
            }
            Ok(words) => Some(Self(words)),
            Err(mistake) => {
                cx.say(mistake.diagnostic(text, span, cx));
                None
            }
        }
    }

    fn to_value(&self) -> WrittenValue {
        let words: Vec<String> = self.0.iter().map(|word| one_of_several(&word.written())).collect();
        WrittenValue::Text(words.join(" "))
    }
}

/// `command`: words that go to the program as they are.
#[derive(Clone, Debug)]
pub struct CommandNode {
    /// Where it is written.
    pub span: Span,
    /// What is run; `None` after a mistake.
    pub command: Option<Command>,
}

impl FromNode for CommandNode {
    const SPEC: &'static Spec = &Spec {
        doc: "A program and its arguments; no shell is involved. One text is split into words.",
        rows: &[Row::new(
            RowKind::Arguments,
            "words",
            "texts",
            "The program and its arguments, or both as one text.",
        )],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let before = cx.mistakes();
        for (key, entry) in node.properties() {
            let written = cx.written(entry.span()).to_owned();
            let message = format!("`{key}=…` in a command is a property of KDL, not an argument");
            let value = match entry.value() {
                Value::String(text) | Value::Number(text) => text.to_owned(),
                _ => written.split_once('=').map(|(_, value)| value.to_owned()).unwrap_or_default(),
            };
            let right = format!("{:?}", format!("{key}={value}"));
            let diagnostic = Diagnostic::error("svc::quote-argument", entry.span(), message);
            cx.say(diagnostic.help(format!("quote it: `{right}`")).fix(entry.span(), right));
        }
        cx.no_block(node);
        let entries: Vec<Entry<'_>> = node.arguments().collect();
        let words = match entries.as_slice() {
            [] => {
                if before == cx.mistakes() {
                    cx.missing(node, "a program", "write `command \"program\" \"argument\"`");
                }
                None
            }
            [entry] => Words::read(*entry, cx).map(|words| words.value.0),
            several => {
                let mut words = Vec::with_capacity(several.len());
                words.extend(several.iter().filter_map(|entry| Some(Text::read(*entry, cx)?.value)));
                Some(words)
            }
        };
        let span = covering(entries.iter().map(|entry| entry.value_span())).unwrap_or(node.head_span());
        let command = words.filter(|_| before == cx.mistakes()).map(|argv| {
            let display = shown(&argv).into();
            Command { argv, span, display }
        });
        Self { span: node.head_span(), command }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        let Some(Command { argv, span, .. }) = &self.command else { return };
        match argv.as_slice() {
            // One text is split into words: it has to come out as one.
            [word] => node.entry(None, &Words(vec![word.clone()]), *span),
            several => several.iter().for_each(|word| node.entry(None, word, word.span)),
        }
    }
}

/// Quotes a word as [`split`] undoes it.
fn one_of_several(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+${}?".contains(c);
    if !word.is_empty()
        && !word.starts_with('~')
        && !word.contains("$(")
        && word.chars().all(plain)
        && !word.contains("$$")
    {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    let mut letters = word.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '$' if letters.peek() == Some(&'$') => {
                letters.next();
                quoted.push_str("\\$");
            }
            '"' | '\\' | '`' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Joins words for display, quoting those of which a blank would hide the end.
fn shown(argv: &[Text]) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '\'';
    let mut shown = String::with_capacity(argv.iter().map(|word| word.raw.len() + 3).sum());
    for word in argv.iter().map(|word| if word.secret { HIDDEN } else { word.raw.as_str() }) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        if !word.is_empty() && word.chars().all(plain) {
            shown.push_str(word);
        } else {
            shown.push_str(&format!("{word:?}"));
        }
    }
    shown
}

/// `shell`: a text for `/bin/sh -c`, in which svc replaces nothing.
#[derive(Clone, Debug)]
pub struct ShellText(pub Text);

impl FromValue for ShellText {
    const TYPE: &'static str = "a text for the shell";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match entry.value() {
            Value::String(text) if !text.trim().is_empty() => {
                Some(Self(Text::literal(cx.shared(text, entry.value_span()).0, entry.value_span())))
            }
            _ => {
                cx.wrong(entry, Self::TYPE);
                None
            }
        }
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.0.raw.to_string())
    }
}

impl ShellText {
    /// Returns the words that make the shell run it.
    pub fn argv(&self) -> Vec<Text> {
        let word = |text: &str| Text::literal(text, self.0.span);
        vec![word("/bin/sh"), word("-c"), self.0.clone()]
    }

    /// Returns the command that runs it.
    pub fn command(&self) -> Command {
        Command { argv: self.argv(), span: self.0.span, display: self.0.raw.trim().into() }
    }
}

/// What cannot be split into words, with its place in the text.
enum Mistake {
    /// A quote is not closed.
    Unclosed(usize),
    /// Only a shell understands this.
    Shell(usize, usize),
}

impl Mistake {
    fn diagnostic(&self, text: &str, span: Span, cx: &Context<'_>) -> Diagnostic {
        let first = cx.verbatim(text, span);
        let place = |from: usize, to: usize| match first {
            Some(first) => Span::new(first + from as u32, first + to as u32),
            None => span,
        };
        match *self {
            Self::Unclosed(at) => {
                Diagnostic::error("svc::unclosed-quote", place(at, at + 1), "this quote is not closed")
                    .help("close it, or write the words as separate arguments: `command \"a\" \"b\"`")
            }
            Self::Shell(from, to) => {
                let what = &text[from..to];
                Diagnostic::error(
                    "svc::shell-syntax",
                    place(from, to),
                    format!("`{what}` means something to a shell only"),
                )
                .here("a command does not go through a shell")
                .help(format!("write `shell {text:?}`, or quote it: `'{what}'`"))
            }
        }
    }
}

/// Splits a text into words: blanks separate, `'…'` and `"…"` join, `\` takes the next character as it is.
///
/// Words keep their variables; a `$` that quotes make plain is doubled, which is how a text says so.
fn split(text: &SharedStr, span: Span, verbatim: Option<u32>) -> Result<Vec<Text>, Mistake> {
    let mut words = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some(&(start, c)) = rest.peek() {
        if c.is_whitespace() {
            rest.next();
            continue;
        }
        let mut word = Word::default();
        while let Some(&(at, c)) = rest.peek() {
            if c.is_whitespace() {
                break;
            }
            rest.next();
            word.take(text, start, at, c, &mut rest)?;
        }
        let end = rest.peek().map_or(text.len(), |&(at, _)| at);
        let place = verbatim.map_or(span, |first| Span::new(first + start as u32, first + end as u32));
        // What was quoted is not in the file letter by letter.
        let as_written = word.text == text[start..end];
        let exact = verbatim.filter(|_| as_written).map(|first| first + start as u32);
        let word = if as_written { text.part(start..end) } else { word.text.into() };
        words.push(Text::new(word, place, exact));
    }
    Ok(words)
}

type Letters<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

/// A word in the making.
#[derive(Default)]
struct Word {
    text: String,
}

impl Word {
    fn take(
        &mut self,
        all: &str,
        start: usize,
        at: usize,
        c: char,
        rest: &mut Letters<'_>,
    ) -> Result<(), Mistake> {
        let after = &all[at + c.len_utf8()..];
        match c {
            '\'' => loop {
                match rest.next() {
                    None => return Err(Mistake::Unclosed(at)),
                    Some((_, '\'')) => return Ok(()),
                    Some((_, c)) => self.plain(c),
                }
            },
            '"' => loop {
                match rest.next() {
                    None => return Err(Mistake::Unclosed(at)),
                    Some((_, '"')) => return Ok(()),
                    Some((_, '\\')) if matches!(rest.peek(), Some((_, '"' | '\\' | '$' | '`'))) => {
                        self.plain(rest.next().expect("it was peeked at").1);
                    }
                    Some((_, c)) => self.text.push(c),
                }
            },
            '\\' => match rest.next() {
                Some((_, c)) => self.plain(c),
                None => return Err(Mistake::Unclosed(at)),
            },
            '$' if after.starts_with('{') => {
                // Up to its brace it is one variable, blanks in its default included.
                self.text.push('$');
                while let Some((_, c)) = rest.next_if(|_| !self.text.ends_with('}')) {
                    self.text.push(c);
                }
            }
            '$' if after.starts_with('(') => return Err(Mistake::Shell(at, at + 2)),
            '&' if after.starts_with('&') => return Err(Mistake::Shell(at, at + 2)),
            '|' if after.starts_with('|') => return Err(Mistake::Shell(at, at + 2)),
            '|' | '&' | ';' | '<' | '>' | '*' | '`' => return Err(Mistake::Shell(at, at + 1)),
            '~' if at == start => return Err(Mistake::Shell(at, at + 1)),
            c => self.text.push(c),
        }
        Ok(())
    }

    /// Adds a character that means itself.
    fn plain(&mut self, c: char) {
        if c == '$' {
            self.text.push('$');
        }
        self.text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<SharedStr> {
        let words = split(&text.into(), Span::default(), None);
        words.map(|words| words.into_iter().map(|word| word.raw).collect()).unwrap_or_default()
    }

    #[test]
    fn a_text_is_split_as_posix_quoting_says() {
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(words(r#"a 'b c' "d e" f\ g"#), ["a", "b c", "d e", "f g"]);
        assert_eq!(words(r#"a"b"'c' "" "\"\a""#), ["abc", "", r#""\a"#]);
        assert_eq!(words("é ü"), ["é", "ü"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn variables_stay_and_what_is_quoted_plain_is_doubled() {
        assert_eq!(words("a ${B:-c d}e '${F}' \\$G \"${H}\""), ["a", "${B:-c d}e", "$${F}", "$$G", "${H}"]);
    }

    #[test]
    fn words_that_are_written_as_one_text_are_split_into_the_same() {
        let cases: &[&[&str]] = &[
            &["a"],
            &["a b", "", "c"],
            &["it's", "\"", "\\", "`"],
            &["$$HOME", "${A:-b c}", "$", "a$$", "$$$$"],
            &["~", "*", "|", "$(x)", "&&", "a;b", "<", ">"],
            &["é", "a\tb"],
        ];
        for case in cases {
            let texts = case.iter().map(|word| Text::new(*word, Span::default(), None)).collect();
            let WrittenValue::Text(text) = Words(texts).to_value() else { panic!("{case:?}") };
            assert_eq!(words(&text), *case, "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_understands_is_refused() {
        for text in ["a | b", "a && b", "a; b", "a > b", "a < b", "a $(b)", "a *.c", "~/a", "a `b`"] {
            assert!(matches!(split(&text.into(), Span::default(), None), Err(Mistake::Shell(..))), "{text}");
        }
        for text in ["a '|'", "a \"&\"", "a \\;", "a b~"] {
            assert!(split(&text.into(), Span::default(), None).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_refused() {
        for text in ["a 'b", "a \"b", "a \\"] {
            assert!(
                matches!(split(&text.into(), Span::default(), None), Err(Mistake::Unclosed(_))),
                "{text}"
            );
        }
    }
}
