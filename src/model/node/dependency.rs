//! `depends-on`, `after`, `before`: names of other services.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::Name;
use crate::diagnostic::{Span, Spanned};
use crate::model::policy::Condition;
use crate::model::service::Dependency;
use crate::schema::{Context, FromNode, FromValue, Row, RowKind, Spec, WrittenNode, nodes, value};
use crate::syntax::Node;

nodes! {
    /// One dependency, in the block of `depends-on`; its name is the node's.
    DependencyNode {
        /// What is waited for.
        arg condition "condition": Condition = "ready";
        /// Whether the service cannot be without it.
        prop required "required": bool = "#true";
        /// Whether an automatic restart of the dependency restarts this.
        prop restart "restart": bool = "#false";
        /// How long it is waited for; without it, as long as it takes.
        prop timeout "timeout": Duration = "";
    }

    /// Names of services, or of profiles.
    NamesNode {
        /// The names.
        args names "names": Name = "";
    }
}

/// `depends-on`: names, `NAME=condition`, or a block.
#[derive(Clone, Debug)]
pub struct DependsOn {
    /// Where it is written.
    pub span: Span,
    /// The dependencies.
    pub list: Vec<Dependency>,
}

impl FromNode for DependsOn {
    const SPEC: &'static Spec = &Spec {
        doc: "What has to be up before this starts.",
        rows: &[
            Row::new(RowKind::Arguments, "names", "names", "Services that have to be ready."),
            Row::new(
                RowKind::AnyProperty,
                "NAME",
                "a condition",
                "A service and its condition: `started`, `ready`, `healthy`, `log-ready`, `completed` or `completed-successfully`.",
            ),
            Row::new(RowKind::AnyChild, "NAME", "", "A service with more to say about it.")
                .described(DependencyNode::SPEC),
        ],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let mut list = Vec::new();
        for entry in node.entries() {
            match entry.key() {
                None => list.extend(Name::read(entry, cx).map(dependency)),
                Some((key, span)) => {
                    let name = value::name(key, span, cx);
                    let condition = Condition::read(entry, cx);
                    let Some((name, condition)) = name.zip(condition) else { continue };
                    let condition = (condition.value, Some(condition.span));
                    list.push(Dependency { condition, ..dependency(Spanned::new(name, span)) });
                }
            }
        }
        for child in node.children() {
            cx.no_annotation(child.ty());
            let name = value::name(child.name(), child.name_span(), cx);
            let read = DependencyNode::from_node(child, cx);
            let Some(name) = name else { continue };
            let plain = dependency(Spanned::new(name, child.name_span()));
            list.push(Dependency {
                condition: read.condition.map_or(plain.condition, |c| (c.value, Some(c.span))),
                required: read.required.is_none_or(|required| required.value),
                restart: read.restart.is_some_and(|restart| restart.value),
                timeout: read.timeout.map(|timeout| timeout.value),
                ..plain
            });
        }
        if node.entries().len() == 0 && node.children().next().is_none() {
            cx.missing(node, "at least one name", "write `depends-on NAME`, or remove the line");
        }
        Self { span: node.head_span(), list }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for Dependency { name, condition: (condition, at), required, restart, timeout } in &self.list {
            let at = at.unwrap_or(name.span);
            if *required && !restart && timeout.is_none() {
                match condition {
                    Condition::Ready => node.argument(name),
                    condition => node.property(name.value.as_str(), &Spanned::new(*condition, at)),
                }
                continue;
            }
            let long = DependencyNode {
                span: name.span,
                condition: Some(Spanned::new(*condition, at)),
                required: Some(Spanned::new(*required, name.span)),
                restart: Some(Spanned::new(*restart, name.span)),
                timeout: timeout.map(|timeout| Spanned::new(timeout, name.span)),
                ..DependencyNode::default()
            };
            node.child(name.value.as_str(), &long);
        }
    }

    /// A dependency replaces the one on the same service.
    fn lay(over: &mut Vec<Self>, under: &[Self]) {
        let own: BTreeSet<&Name> =
            over.iter().flat_map(|node| &node.list).map(|dependency| &dependency.name.value).collect();
        let rest = |node: &Self| {
            let list: Vec<_> = node.list.iter().filter(|d| !own.contains(&d.name.value)).cloned().collect();
            (!list.is_empty()).then_some(Self { span: node.span, list })
        };
        let kept: Vec<Self> = under.iter().filter_map(rest).collect();
        over.splice(0..0, kept);
    }
}

fn dependency(name: Spanned<Name>) -> Dependency {
    Dependency { name, condition: (Condition::Ready, None), required: true, restart: false, timeout: None }
}
