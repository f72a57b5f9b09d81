//! `port`: numbers a service listens on, or `auto`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::service::{Port, PortNumber};
use crate::schema::value::bounded;
use crate::schema::{
    Context, Form, FromNode, FromValue, Row, RowKind, Spec, WrittenNode, WrittenValue, value,
};
use crate::syntax::{Entry, Node, Value};

/// The word for a port that is free.
const AUTO: &str = "auto";

/// `port`: a number or `auto`, or `name=number`.
#[derive(Clone, Debug)]
pub struct PortNode {
    /// Where it is written.
    pub span: Span,
    /// The ports.
    pub ports: Vec<Port>,
}

impl FromNode for PortNode {
    const SPEC: &'static Spec = &Spec {
        doc: "What it listens on: the variable PORT, or PORT_NAME for a port with a name; counts up over the replicas. `auto` is a free one for each instance, which \
              it keeps as long as the project is up.",
        rows: &[
            Row::new(RowKind::Argument, "number", PortNumber::TYPE, "The port that is `PORT`."),
            Row::new(RowKind::AnyProperty, "NAME", PortNumber::TYPE, "A port with a name."),
        ],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let mut ports: Vec<Port> = Vec::new();
        let mut seen = BTreeMap::new();
        let mut unnamed = false;
        for entry in node.entries() {
            let name = match entry.key() {
                None if unnamed => {
                    let diagnostic = Diagnostic::error(
                        "svc::surplus-argument",
                        entry.value_span(),
                        "a second port needs a name",
                    );
                    cx.say(diagnostic.help(format!("write `metrics={}`", cx.written(entry.value_span()))));
                    continue;
                }
                None => {
                    unnamed = true;
                    None
                }
                Some((key, span)) => match value::name(key, span, cx) {
                    Some(name) => Some((name, span)),
                    None => continue,
                },
            };
            let Some(number) = PortNumber::read(entry, cx) else { continue };
            let name = name.map(|(name, _)| name);
            let first = *seen.entry(name.clone()).or_insert(number.span);
            if first != number.span {
                cx.twice("svc::duplicate-property", "this port", first, entry.span());
                continue;
            }
            ports.push(Port { name, number });
        }
        if node.entries().len() == 0 {
            cx.missing(node, "a number", "write `port 8080`, or `port auto`");
        }
        cx.no_block(node);
        Self { span: node.head_span(), ports }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for Port { name, number: Spanned { value, span } } in &self.ports {
            node.entry(name.as_ref().map(Name::as_str), value, *span);
        }
    }

    /// A port replaces the one of the same name.
    fn lay(over: &mut Vec<Self>, under: &[Self]) {
        let own: BTreeSet<_> = over.iter().flat_map(|node| &node.ports).map(|port| &port.name).collect();
        let rest = |node: &Self| {
            let ports: Vec<_> = node.ports.iter().filter(|port| !own.contains(&port.name)).cloned().collect();
            (!ports.is_empty()).then_some(Self { span: node.span, ports })
        };
        let kept: Vec<Self> = under.iter().filter_map(rest).collect();
        over.splice(0..0, kept);
    }
}

impl FromValue for PortNumber {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a port";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if entry.value() == Value::String(AUTO) {
            return Some(Self::Auto);
        }
        bounded(entry, (1, 65_535), Self::TYPE, cx).map(|number| Self::From(number as u16))
    }

    fn to_value(&self) -> WrittenValue {
        match self {
            Self::From(number) => u32::from(*number).to_value(),
            Self::Auto => WrittenValue::Text(AUTO.to_owned()),
        }
    }
}
