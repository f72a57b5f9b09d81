//! `port`: numbers a service listens on.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::service::Port;
use crate::schema::value::bounded;
use crate::schema::{Context, FromNode, Row, RowKind, Spec, WrittenNode, value};
use crate::syntax::{Entry, Node, Value};

/// `port`: a number, or `name=number`.
#[derive(Clone, Debug)]
pub struct PortNode {
    /// Where it is written.
    pub span: Span,
    /// The ports.
    pub ports: Vec<Port>,
}

impl FromNode for PortNode {
    const SPEC: &'static Spec = &Spec {
        doc: "What it listens on: the variable PORT, or PORT_NAME for a port with a name; counts up over the replicas.",
        rows: &[
            Row::new(RowKind::Argument, "number", "a port", "The port that is `PORT`."),
            Row::new(RowKind::AnyProperty, "NAME", "a port", "A port with a name."),
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
            let Some(number) = number(entry, cx) else { continue };
            let name = name.map(|(name, _)| name);
            let first = *seen.entry(name.clone()).or_insert(number.span);
            if first != number.span {
                cx.twice("svc::duplicate-property", "this port", first, entry.span());
                continue;
            }
            ports.push(Port { name, number });
        }
        if node.entries().len() == 0 {
            cx.missing(node, "a number", "write `port 8080`");
        }
        cx.no_block(node);
        Self { span: node.head_span(), ports }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for Port { name, number: Spanned { value, span } } in &self.ports {
            node.entry(name.as_ref().map(Name::as_str), &u32::from(*value), *span);
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

fn number(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Spanned<u16>> {
    cx.no_annotation(entry.ty());
    let span = entry.value_span();
    if entry.value() == Value::String("auto") {
        let message = "`auto` is not supported yet in this version";
        cx.say(Diagnostic::error("svc::not-supported", span, message).help("write a number"));
        return None;
    }
    bounded(entry, (1, 65_535), "a port", cx).map(|number| Spanned::new(number as u16, span))
}
