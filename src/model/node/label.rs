//! `label`: what people sort their services by; svc passes it on and reads nothing into it.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::service::Label;
use crate::schema::{
    Context, FromNode, FromValue, Row, RowKind, Spec, WrittenEntry, WrittenNode, WrittenValue,
};
use crate::syntax::{Entry, Node, Value};

/// `label`: `KEY=value`, or a block with one a line.
#[derive(Clone, Debug)]
pub struct LabelNode {
    /// Where it is written.
    pub span: Span,
    /// The labels, in order; without a value, one that is taken away.
    pub labels: Vec<(Spanned<String>, Option<String>)>,
}

/// The longest key and the longest value, in bytes.
const LONGEST: usize = 255;

impl FromNode for LabelNode {
    const SPEC: &'static Spec = &Spec {
        doc: "Labels: `label team=payments`, or a block with one a line. They are shown by `svc ps -o json`; `#null` takes an inherited one away.",
        rows: &[
            Row::new(RowKind::AnyProperty, "KEY", "a text", "A label and its value."),
            Row::new(RowKind::AnyChild, "KEY", "a text", "A label and its value."),
        ],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let mut labels: Vec<(Spanned<String>, Option<String>)> = Vec::new();
        let mut add = |key: &str, span: Span, entry: Entry<'_>, cx: &mut Context<'_>| {
            let Some(label) = label(key, span, entry, cx) else { return };
            match labels.iter().find(|(known, _)| known.value == key) {
                Some((first, _)) => {
                    cx.twice("svc::duplicate-property", &format!("the label `{key}`"), first.span, span);
                }
                None => labels.push(label),
            }
        };
        for entry in node.entries() {
            match entry.key() {
                Some((key, span)) => add(key, span, entry, cx),
                None => cx.surplus(node, entry, Self::SPEC),
            }
        }
        for child in node.children() {
            cx.no_annotation(child.ty());
            cx.no_block(child);
            let mut values = child.entries();
            match (values.next(), values.next()) {
                (Some(value), None) if value.key().is_none() => {
                    add(child.name(), child.name_span(), value, cx);
                }
                (None, _) => {
                    let help = format!("write `{} \"…\"`; `#null` takes it away", child.name());
                    cx.missing(child, "a value", &help);
                }
                (Some(first), second) => {
                    let entry = second.filter(|_| first.key().is_none()).unwrap_or(first);
                    let message = "a label has one value";
                    cx.say(
                        Diagnostic::error("svc::surplus-argument", entry.span(), message)
                            .help("quote it as a whole, blanks included"),
                    );
                }
            }
        }
        if node.entries().len() == 0 && node.children().next().is_none() {
            cx.missing(node, "at least one label", "write `label team=payments`, or remove the line");
        }
        Self { span: node.head_span(), labels }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for (Spanned { value: key, span }, value) in &self.labels {
            let mut child = WrittenNode::new(key.as_str(), *span);
            let value = value.clone().map_or(WrittenValue::Null, WrittenValue::Text);
            child.entries.push(WrittenEntry { key: None, value, span: *span, mask: None });
            node.children.push(child);
        }
    }

    /// A label replaces the one of the same key.
    fn lay(over: &mut Vec<Self>, under: &[Self]) {
        let own: BTreeSet<&str> =
            over.iter().flat_map(|node| &node.labels).map(|(key, _)| key.value.as_str()).collect();
        let rest = |node: &Self| {
            let kept = node.labels.iter().filter(|(key, _)| !own.contains(key.value.as_str()));
            let labels: Vec<_> = kept.cloned().collect();
            (!labels.is_empty()).then_some(Self { span: node.span, labels })
        };
        let kept: Vec<Self> = under.iter().filter_map(rest).collect();
        over.splice(0..0, kept);
    }
}

fn label(
    key: &str,
    span: Span,
    entry: Entry<'_>,
    cx: &mut Context<'_>,
) -> Option<(Spanned<String>, Option<String>)> {
    cx.no_annotation(entry.ty());
    let good = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let first = key.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !first || !key.chars().all(good) || key.len() > LONGEST {
        let message = format!("`{}` cannot be the key of a label", key.escape_debug());
        cx.say(
            Diagnostic::error("svc::bad-name", span, message)
                .help("letters, digits, `-`, `_`, `.` and `/`, the first one a letter or digit"),
        );
        return None;
    }
    let key = Spanned::new(key.to_owned(), span);
    if entry.value() == Value::Null {
        return Some((key, None));
    }
    let value = match entry.value() {
        Value::Bool(value) => value.to_string(),
        _ => String::from_value(entry, cx)?,
    };
    if value.len() > LONGEST || value.contains(char::is_control) {
        let message = "the value of a label is one line of at most 255 bytes";
        cx.say(Diagnostic::error("svc::out-of-range", entry.value_span(), message));
        return None;
    }
    Some((key, Some(value)))
}

/// Returns the labels that are in force, a later one of a key instead of an earlier; sorted by key.
pub fn labels(nodes: &[LabelNode]) -> Vec<Label> {
    let mut seen = BTreeSet::new();
    let mut labels: Vec<Label> = nodes
        .iter()
        .rev()
        .flat_map(|node| node.labels.iter().rev())
        .filter(|(key, _)| seen.insert(key.value.as_str()))
        .filter_map(|(key, value)| Some(Label { key: key.value.clone(), value: value.clone()? }))
        .collect();
    labels.sort_by(|a, b| a.key.cmp(&b.key));
    labels
}
