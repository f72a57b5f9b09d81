//! `env` and `env-file`: variables, and the format of the files they can stand in.

use std::collections::BTreeSet;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::service::{FilePath, Variable};
use crate::model::text::Text;
use crate::schema::{
    Context, FromNode, FromValue, HIDDEN, Mask, Row, RowKind, Spec, WrittenEntry, WrittenNode, WrittenValue,
    nodes,
};
use crate::syntax::{Entry, Node, Value};

/// `env`: variables, as properties or as children.
#[derive(Clone, Debug)]
pub struct EnvNode {
    /// Where it is written.
    pub span: Span,
    /// The variables, in order.
    pub variables: Vec<Variable>,
}

impl FromNode for EnvNode {
    const SPEC: &'static Spec = &Spec {
        doc: "Variables: `env A=1`, or a block with one variable a line. `#null` unsets; `(reset)env` drops what was inherited.",
        rows: &[
            Row::new(RowKind::AnyProperty, "NAME", "a text", "A variable and its value."),
            Row::new(RowKind::AnyChild, "NAME", "a text", "A variable and its value."),
        ],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let mut variables = Vec::new();
        for entry in node.entries() {
            match entry.key() {
                Some((key, span)) => variables.extend(variable(key, span, entry, cx)),
                None if entry.value() == Value::Bad => {}
                None => {
                    let diagnostic = Diagnostic::error(
                        "svc::surplus-argument",
                        entry.value_span(),
                        "`env` takes `NAME=value`",
                    );
                    let written = cx.written(entry.value_span()).to_owned();
                    let help = match entry.value() {
                        Value::String(text) if text.contains('=') => {
                            let (name, value) = text.split_once('=').unwrap_or_default();
                            format!("only the value is quoted: `env {name}={value:?}`")
                        }
                        _ => format!("write `env {written}=\"…\"`"),
                    };
                    cx.say(diagnostic.help(help));
                }
            }
        }
        for child in node.children() {
            variables.extend(child_variable(child, cx));
        }
        duplicates(&variables, cx);
        Self { span: node.head_span(), variables }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for variable in &self.variables {
            let Variable { name: Spanned { value: name, span }, value } = variable;
            let mut child = WrittenNode::new(name.as_str(), *span);
            let written = value.as_ref().map_or(WrittenValue::Null, |text| text.to_value());
            let span = value.as_ref().map_or(*span, |text| text.span);
            let mask = variable.is_secret().then_some(Mask::Marked(HIDDEN));
            child.entries.push(WrittenEntry { key: None, value: written, span, mask });
            node.children.push(child);
        }
    }

    /// A variable replaces the one of the same name, unless its value is made of that one.
    fn lay(over: &mut Vec<Self>, under: &[Self]) {
        let own = over.iter().flat_map(|node| &node.variables).filter(|variable| !variable.uses_itself());
        let own: BTreeSet<&str> = own.map(|variable| variable.name.value.as_str()).collect();
        let rest = |node: &Self| {
            let kept = node.variables.iter().filter(|variable| !own.contains(variable.name.value.as_str()));
            let variables: Vec<_> = kept.cloned().collect();
            (!variables.is_empty()).then_some(Self { span: node.span, variables })
        };
        let kept: Vec<Self> = under.iter().filter_map(rest).collect();
        over.splice(0..0, kept);
    }
}

fn child_variable(child: Node<'_>, cx: &mut Context<'_>) -> Option<Variable> {
    cx.no_annotation(child.ty());
    cx.no_block(child);
    let mut found = None;
    for (index, entry) in child.entries().enumerate() {
        match entry.key() {
            Some((key, span)) => cx.unknown_property(child, key, span, EnvNode::SPEC),
            None if index > 0 => {
                let diagnostic = Diagnostic::error(
                    "svc::surplus-argument",
                    entry.value_span(),
                    "a variable has one value",
                );
                cx.say(diagnostic.help("quote it as a whole, blanks included"));
            }
            None => found = variable(child.name(), child.name_span(), entry, cx),
        }
    }
    if child.entries().len() == 0 {
        cx.missing(child, "a value", &format!("write `{} \"…\"`; `#null` unsets it", child.name()));
    }
    found
}

fn variable(name: &str, span: Span, entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Variable> {
    if !is_name(name) {
        let message = format!("`{name}` cannot be the name of a variable");
        cx.say(
            Diagnostic::error("svc::bad-variable", span, message)
                .help("letters, digits and `_`, the first one no digit"),
        );
        return None;
    }
    let name = Spanned::new(cx.shared(name, span).0, span);
    if entry.value() == Value::Null {
        cx.no_annotation(entry.ty());
        return Some(Variable { name, value: None });
    }
    Text::read(entry, cx).map(|value| Variable { name, value: Some(value.value) })
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Says which variables stand there twice.
fn duplicates(variables: &[Variable], cx: &mut Context<'_>) {
    let mut order: Vec<&Variable> = variables.iter().collect();
    order.sort_by(|a, b| (&a.name.value, a.name.span).cmp(&(&b.name.value, b.name.span)));
    for pair in order.windows(2).filter(|pair| pair[0].name.value == pair[1].name.value) {
        let name = &pair[0].name.value;
        cx.twice(
            "svc::duplicate-property",
            &format!("the variable `{name}`"),
            pair[0].name.span,
            pair[1].name.span,
        );
    }
}

nodes! {
    /// Files with variables, one `NAME=value` a line; later ones win.
    EnvFileNode {
        /// The files; relative to this file.
        args paths "paths": PlainPath = "";
        /// Whether a file may be missing.
        prop optional "optional": bool = "#false";
    }
}

/// A path without variables: an env-file is read before there are any.
#[derive(Clone, Debug)]
pub struct PlainPath(pub FilePath);

impl FromValue for PlainPath {
    const TYPE: &'static str = FilePath::TYPE;

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let path = FilePath::from_value(entry, cx)?;
        cx.no_variables(&path.text.raw, entry.value_span()).then_some(Self(path))
    }

    fn to_value(&self) -> WrittenValue {
        self.0.to_value()
    }
}

/// Reads the variables of env-files; what is wrong has been said when it returns.
pub trait EnvFiles {
    /// Reads one file. `span` is where it is named.
    fn read(&mut self, path: &Path, span: Span, optional: bool) -> Vec<Variable>;
}

/// What a line of an env-file can be wrong in, with its place.
pub type LineMistake = (Span, &'static str);

/// Reads the text of an env-file whose first byte has the address `base`: `NAME=value` lines, with or
/// without `export`, blank lines and `#` comments. Values in `'…'` are taken as they are; in `"…"` `\n`,
/// `\t`, `\"` and `\\` are replaced; both may span lines. Elsewhere a ` #` starts a comment. `${NAME}` is a
/// variable except in single quotes.
pub fn parse(text: &str, base: u32) -> (Vec<Variable>, Vec<LineMistake>) {
    let mut variables = Vec::new();
    let mut mistakes = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = text[at..line_end].trim();
        if line.is_empty() || line.starts_with('#') {
            at = line_end + 1;
            continue;
        }
        let start = at + (text[at..line_end].len() - text[at..line_end].trim_start().len());
        match assignment(text, start, line_end, base) {
            Ok((variable, end)) => {
                variables.push(variable);
                at = end;
            }
            Err(why) => {
                mistakes.push((Span::new(base + start as u32, base + (start + line.len()) as u32), why));
                at = line_end + 1;
            }
        }
    }
    (variables, mistakes)
}

/// Reads one assignment that begins at `start`, and returns where the next line begins.
fn assignment(
    text: &str,
    start: usize,
    line_end: usize,
    base: u32,
) -> Result<(Variable, usize), &'static str> {
    let line = &text[start..line_end];
    let skipped = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => line.len() - rest.trim_start().len(),
        _ => 0,
    };
    let (name, _) = line[skipped..].split_once('=').ok_or("there is no `=` in this line")?;
    let value_at = start + skipped + name.len() + 1;
    let name = name.trim_end();
    if !is_name(name) {
        return Err("before the `=` stands no name of a variable");
    }
    let span = |from: usize, to: usize| Span::new(base + from as u32, base + to as u32);
    let name_span = span(start + skipped, start + skipped + name.len());
    let written = &text[value_at..line_end];
    let quote_at = value_at + (written.len() - written.trim_start().len());
    let (value, end) = match text[quote_at..line_end].chars().next() {
        Some('\'') => {
            let close = text[quote_at + 1..].find('\'').ok_or("the quote is not closed")? + quote_at + 1;
            (Text::literal(&text[quote_at + 1..close], span(quote_at, close + 1)), close + 1)
        }
        Some('"') => double_quoted(text, quote_at, base)?,
        _ => {
            let comment = |value: &str| value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
            let value = &text[quote_at..line_end];
            let value = value[..comment(value)].trim_end();
            let at = span(quote_at, quote_at + value.len());
            (Text::new(value, at, Some(at.lo)), line_end)
        }
    };
    let next = text[end..].find('\n').map_or(text.len(), |line| end + line);
    let rest = text[end..next].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err("something stands behind the closing quote");
    }
    Ok((Variable { name: Spanned::new(name.into(), name_span), value: Some(value) }, next + 1))
}

fn double_quoted(text: &str, open: usize, base: u32) -> Result<(Text, usize), &'static str> {
    let mut value = String::new();
    let mut letters = text[open + 1..].char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            '"' => {
                let end = open + 1 + at + 1;
                let span = Span::new(base + open as u32, base + end as u32);
                let exact = (value == text[open + 1..end - 1]).then_some(span.lo + 1);
                return Ok((Text::new(value, span, exact), end));
            }
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                Some((_, '$')) => value.push_str("$$"),
                Some((_, c)) => value.extend(['\\', c]),
                None => return Err("the quote is not closed"),
            },
            c => value.push(c),
        }
    }
    Err("the quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<&'static str>) {
        let (variables, mistakes) = parse(text, 0);
        let show =
            |v: Variable| format!("{}={}", v.name.value, v.value.map(|text| text.raw).unwrap_or_default());
        (variables.into_iter().map(show).collect(), mistakes.into_iter().map(|(_, why)| why).collect())
    }

    #[test]
    fn an_env_file_is_read_line_by_line() {
        let text =
            "# comment\n\nA=1\nexport B = two words # why\nC='a # $b' # c\nD=\"x\\ny\nz\"\nE=\nF=a#b\r\n";
        let expected =
            ["A=1", "B=two words", "C=a # $b", "D=x\ny\nz", "E=", "F=a#b"].map(str::to_owned).to_vec();
        assert_eq!(read(text), (expected, vec![]));
    }

    #[test]
    fn a_bad_line_is_said_and_the_others_are_read() {
        let (variables, mistakes) = read("A=1\nnonsense\n1B=2\nC=3\nD='open\n");
        assert_eq!(variables, ["A=1", "C=3"]);
        assert_eq!(mistakes.len(), 3);
    }
}
