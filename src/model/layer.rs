//! A layer: what one root file, with all that it includes, says at the top level besides its services.
//!
//! What may stand there once stands there once in a layer; what two layers say is merged, the upper one winning.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::decode::TOP;
use crate::model::merge;
use crate::model::node::control::ControlNode;
use crate::model::node::settings::Settings;
use crate::model::node::top::{GroupNode, ProjectNode};
use crate::model::template::Template;
use crate::schema::{Context, FromNode};
use crate::syntax::{Node, Value};

/// What a layer says.
#[derive(Debug, Default)]
pub struct Layer {
    /// `project`.
    pub project: Option<ProjectNode>,
    /// `control`.
    pub control: Option<ControlNode>,
    /// `defaults`.
    pub defaults: Option<Settings>,
    /// Where `defaults` stand, blocks included.
    pub defaults_at: Vec<Span>,
    /// Every `group`.
    pub groups: BTreeMap<Name, GroupNode>,
    /// Every `template`, by name.
    pub templates: BTreeMap<Name, Template>,
    /// Names in nodes that were not understood: see [`crate::model::Model::lost`].
    pub lost: BTreeSet<String>,
}

impl Layer {
    /// Reads a node of the top level, unless it is one that stands for itself.
    pub fn read(&mut self, node: Node<'_>, cx: &mut Context<'_>) {
        match node.name() {
            "service" | "task" | "include" => return,
            _ => cx.no_annotation(node.ty()),
        }
        match node.name() {
            "project" => {
                let read = ProjectNode::from_node(node, cx);
                if let Some(name) = &read.name {
                    project_name(name, cx);
                }
                once(&mut self.project, read, node, cx);
            }
            "control" => {
                let read = ControlNode::from_node(node, cx);
                read.check(cx);
                once(&mut self.control, read, node, cx);
            }
            "defaults" => {
                let mut read = Settings::from_node(node, cx);
                let surplus = read.name.as_ref().map(|name| (name.span, "have no name"));
                let extends = read.extends.as_ref().map(|extends| (extends.span, "extend no template"));
                for (span, what) in surplus.into_iter().chain(extends) {
                    let message = format!("`defaults` hold for every service and {what}");
                    cx.say(Diagnostic::error("svc::surplus-argument", span, message).help("remove it"));
                }
                merge::check(&mut read, cx);
                self.defaults_at.push(node.span());
                once(&mut self.defaults, read, node, cx);
            }
            "template" => self.template(node, cx),
            "group" => self.group(node, cx),
            _ => {
                self.lost.extend(lost(node));
                let known = TOP.iter().map(|(name, _)| *name).chain(["include"]).collect();
                cx.unknown_node(node, "", known);
            }
        }
    }

    fn template(&mut self, node: Node<'_>, cx: &mut Context<'_>) {
        let mut settings = Settings::from_node(node, cx);
        settings.mistaken |= node.is_broken() || cx.is_damaged(node.span());
        merge::check(&mut settings, cx);
        let Some(name) = named(&settings, node, cx) else { return };
        if let Some(first) = self.templates.get(&name.value) {
            let what = format!("the template `{}`", name.value);
            return cx.say(declared_twice(&what, first.name.span, name.span));
        }
        self.templates.insert(name.value.clone(), Template { name, settings });
    }

    fn group(&mut self, node: Node<'_>, cx: &mut Context<'_>) {
        let mut read = GroupNode::from_node(node, cx);
        let Some(name) = read.name.clone() else { return };
        if read.members.is_empty() && !read.mistaken {
            let help = format!("write `group {} SERVICE …`, or remove the line", name.value);
            cx.missing(node, "at least one service", &help);
        }
        let mut seen: BTreeMap<Name, Span> = BTreeMap::new();
        read.members.retain(|member| {
            let first = seen.get(&member.value).copied();
            match first {
                Some(first) => {
                    let what = format!("the member `{}`", member.value);
                    cx.twice("svc::duplicate-member", &what, first, member.span);
                }
                None => drop(seen.insert(member.value.clone(), member.span)),
            }
            first.is_none()
        });
        if let Some(first) = self.groups.get(&name.value) {
            let first = first.name.as_ref().map_or(first.span, |name| name.span);
            return cx.say(declared_twice(&format!("the group `{}`", name.value), first, name.span));
        }
        self.groups.insert(name.value.clone(), read);
    }

    /// Merges a layer below into this one.
    pub fn over(&mut self, under: Self) {
        let Self { project, control, defaults, defaults_at, groups, templates, lost } = under;
        self.lost.extend(lost);
        match (&mut self.project, project) {
            (Some(over), Some(under)) => over.inherit(&under),
            (over @ None, under) => *over = under,
            (Some(_), None) => {}
        }
        match (&mut self.control, control) {
            (Some(over), Some(under)) => over.inherit(&under),
            (over @ None, under) => *over = under,
            (Some(_), None) => {}
        }
        match (&mut self.defaults, defaults) {
            (Some(over), Some(under)) => merge::lay(over, &under),
            (over @ None, under) => *over = under,
            (Some(_), None) => {}
        }
        self.defaults_at.extend(defaults_at);
        for (name, under) in groups {
            self.groups.entry(name).or_insert(under);
        }
        for (name, under) in templates {
            match self.templates.get_mut(&name) {
                Some(over) => merge::lay(&mut over.settings, &under.settings),
                None => drop(self.templates.insert(name, under)),
            }
        }
    }
}

/// Returns the names of the services that a node may have been meant to declare, if it is not understood:
/// `servce "api"`, `services { api { … } }`.
fn lost(node: Node<'_>) -> impl Iterator<Item = String> {
    let argument = node.arguments().find_map(|entry| match entry.value() {
        Value::String(text) => Some(text.to_owned()),
        _ => None,
    });
    argument.into_iter().chain(node.children().map(|child| child.name().to_owned()))
}

/// Keeps the first of a node that may stand there once, and says that this is another one.
fn once<T: FromNode>(place: &mut Option<T>, read: T, node: Node<'_>, cx: &mut Context<'_>) {
    match place {
        Some(first) => {
            cx.twice("svc::repeated-node", &format!("`{}`", node.name()), first.span(), node.head_span());
        }
        None => *place = Some(read),
    }
}

/// Says that one layer declares something twice.
pub(super) fn declared_twice(what: &str, first: Span, again: Span) -> Diagnostic {
    Diagnostic::error("svc::duplicate-name", again, format!("{what} is declared twice"))
        .here("again here")
        .label(first, "first here")
        .help("call one of them something else")
}

/// Returns the name of something that needs one; `None` without, which has been said.
pub(super) fn named(settings: &Settings, node: Node<'_>, cx: &mut Context<'_>) -> Option<Spanned<Name>> {
    if settings.name.is_none() && node.arguments().next().is_none() {
        let word = node.name();
        cx.missing(node, "a name", &format!("write `{word} \"NAME\" {{ … }}`"));
    }
    settings.name.clone()
}

fn project_name(name: &Spanned<String>, cx: &mut Context<'_>) {
    let text = &name.value;
    let forbidden = |c: char| c == '/' || c.is_control();
    if text.is_empty() || text.len() > 100 || text.starts_with('.') || text.contains(forbidden) {
        let message = format!("`{}` cannot be the name of a project", text.escape_debug());
        let diagnostic = Diagnostic::error("svc::bad-name", name.span, message);
        cx.say(diagnostic.help("one to 100 characters, without `/`"));
    }
}
