//! What holds once every layer is merged, as nodes to be written down again: what `svc config` prints.
//!
//! Defaults, templates, overlays and env-files are worked in, so that the nodes stand for themselves in whatever
//! folder they are compiled: paths are absolute. Variables stay variables, since their values belong to the machine. Kept
//! only when somebody asks; `check` and `up` never pay for it.

pub mod document;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::base::SharedStr;
use crate::diagnostic::{Span, Spanned};
use crate::model::decode::File;
use crate::model::node::control::ControlNode;
use crate::model::node::env::EnvNode;
use crate::model::node::label::{LabelNode, labels};
use crate::model::node::settings::Settings;
use crate::model::node::top::{GroupNode, ProjectNode};
use crate::model::service::{Service, Variable};
use crate::model::text::{Otherwise, Piece, Text};
use crate::schema::{FromNode, RowKind, WrittenNode, WrittenValue};
use crate::syntax::Value;

/// What holds once every layer is merged.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The project's name, and where it is written, if it is.
    pub project: (String, Option<Span>),
    /// Variables of every service.
    pub env: Vec<Variable>,
    /// How svc can be reached.
    pub control: Option<ControlNode>,
    /// Services and tasks, in the order of the plan.
    pub services: Vec<Kept>,
    /// Groups.
    pub groups: Vec<GroupNode>,
    /// What stands where that is not the service's own, the upper layers' first.
    pub origins: Vec<(Span, Origin)>,
}

/// A service or task as it is written down.
#[derive(Debug)]
pub struct Kept {
    node: WrittenNode,
}

/// Where a value comes from that a service does not say itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `defaults`.
    Defaults,
    /// The template of this name.
    Template(String),
    /// A file that is laid over others.
    Overlay,
}

/// Finds what is not a service's own in files.
pub(super) fn origins(files: &[File<'_>]) -> Vec<(Span, Origin)> {
    let mut found = Vec::new();
    for file in files {
        for node in file.document.nodes() {
            let origin = match node.name() {
                "defaults" => Origin::Defaults,
                "template" => {
                    let name = node.arguments().find_map(|entry| match entry.value() {
                        Value::String(name) => Some(name.to_owned()),
                        _ => None,
                    });
                    Origin::Template(name.unwrap_or_default())
                }
                _ => continue,
            };
            found.push((node.span(), origin));
        }
    }
    let above = files.iter().filter(|file| file.layer > 0);
    found.extend(above.map(|file| (file.document.span(), Origin::Overlay)));
    found
}

impl Kept {
    /// Keeps a service that was made of these settings in this folder.
    pub(super) fn new(made: &Service, mut settings: Settings, folder: Arc<Path>) -> Self {
        let span = settings.span;
        settings.env = blocks(&made.env);
        settings.env_file.clear();
        settings.extends = None;
        let labelled = labels(&settings.label);
        for node in &mut settings.label {
            let held = |key: &str, value: &str| {
                labelled.iter().any(|label| label.key == key && label.value == value)
            };
            let LabelNode { labels, .. } = node;
            labels.retain(|(key, value)| value.as_ref().is_some_and(|value| held(&key.value, value)));
        }
        let mut node = WrittenNode::new(made.kind.word(), span);
        settings.write(&mut node);
        // A layer of which nothing is left says nothing.
        let many = |name: &str| {
            Settings::SPEC.rows.iter().any(|row| row.name == name && row.kind == RowKind::Children)
        };
        node.children
            .retain(|child| !child.entries.is_empty() || !child.children.is_empty() || !many(&child.name));
        if settings.working_dir.is_none() {
            let mut home = WrittenNode::new("working-dir", made.name.span);
            let here = crate::model::service::FilePath {
                text: Text::new(".", made.name.span, None),
                folder: folder.clone(),
            };
            home.argument(&Spanned::new(here, made.name.span));
            node.children.insert(runs(&node), home);
        }
        Self { node }
    }

    /// Makes paths absolute. `value` knows what variables are worth to this service.
    pub fn settle<'v>(&mut self, value: impl Fn(&str) -> Option<&'v str>) {
        absolute(&mut self.node, &value);
    }
}

/// Returns where behind the program of a service the next node stands.
fn runs(node: &WrittenNode) -> usize {
    let program = |child: &WrittenNode| matches!(child.name.as_str(), "command" | "shell");
    node.children.iter().rposition(program).map_or(0, |at| at + 1)
}

impl Resolved {
    /// Returns the nodes of a service file that says all this: of these services and tasks only, when any are named.
    pub fn nodes(&self, names: &[String]) -> Vec<WrittenNode> {
        let services = self.services.iter().map(|kept| &kept.node);
        if !names.is_empty() {
            return services.filter(|node| names.iter().any(|name| name == title(node))).cloned().collect();
        }
        let mut nodes = vec![self.project()];
        if let Some(control) = &self.control {
            let mut node = WrittenNode::new("control", control.span);
            control.write(&mut node);
            absolute(&mut node, &|_| None);
            nodes.extend((!node.children.is_empty()).then_some(node));
        }
        nodes.extend(services.cloned());
        let mut groups: Vec<&GroupNode> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.name.as_ref().map(|name| name.span));
        for group in groups {
            let mut node = WrittenNode::new("group", group.span);
            group.write(&mut node);
            nodes.push(node);
        }
        nodes
    }

    /// Returns where the value at a place comes from; `None` for the service itself, or the env-file that it names.
    pub fn origin(&self, at: Span) -> Option<&Origin> {
        let around = |whole: &Span| whole.lo <= at.lo && at.hi <= whole.hi;
        self.origins.iter().find(|(whole, _)| around(whole)).map(|(_, origin)| origin)
    }

    fn project(&self) -> WrittenNode {
        let (name, span) = &self.project;
        let span = span.unwrap_or_default();
        let project = ProjectNode {
            span,
            name: Some(Spanned::new(name.clone(), span)),
            env: blocks(&self.env),
            ..ProjectNode::default()
        };
        let mut node = WrittenNode::new("project", span);
        project.write(&mut node);
        node
    }
}

/// Returns the name of a service's node.
fn title(node: &WrittenNode) -> &str {
    match node.entries.first().map(|entry| &entry.value) {
        Some(WrittenValue::Text(name)) => name,
        _ => "",
    }
}

/// Puts variables into as few blocks as can hold them: one that is made of the value below it stands in a later block than
/// that. What is covered otherwise is left out.
fn blocks(variables: &[Variable]) -> Vec<EnvNode> {
    let mut covered = BTreeSet::new();
    let mut left = Vec::new();
    for variable in variables.iter().rev() {
        let name = variable.name.value.as_str();
        if !covered.contains(name) {
            left.push(variable);
        }
        if !variable.uses_itself() {
            covered.insert(name);
        }
    }
    let mut blocks: Vec<EnvNode> = Vec::new();
    let mut here: BTreeSet<&SharedStr> = BTreeSet::new();
    for variable in left.into_iter().rev() {
        if !here.insert(&variable.name.value) || blocks.is_empty() {
            here = BTreeSet::from([&variable.name.value]);
            blocks.push(EnvNode { span: variable.name.span, variables: Vec::new() });
        }
        if let Some(block) = blocks.last_mut() {
            block.variables.push(variable.clone());
        }
    }
    blocks
}

/// Makes every path in a node absolute. One that begins with a variable is as it is when that makes it absolute.
fn absolute<'v>(node: &mut WrittenNode, value: &impl Fn(&str) -> Option<&'v str>) {
    for entry in &mut node.entries {
        let WrittenValue::Path(path, folder) = &entry.value else { continue };
        let text = Text::new(path.as_str(), Span::default(), None);
        let first = text.pieces().find_map(|piece| match piece {
            Piece::Literal(text) => Some(text).filter(|text| !text.is_empty()),
            Piece::Variable { name, otherwise, .. } => {
                let default = match otherwise {
                    Otherwise::Default(default) => Some(default),
                    Otherwise::Mistake | Otherwise::Message(_) => None,
                };
                value(name).filter(|value| !value.is_empty()).or(default).filter(|text| !text.is_empty())
            }
            Piece::Malformed { .. } => None,
        });
        let path = match first.is_some_and(|first| first.starts_with('/')) {
            true => path.clone(),
            false => {
                // A `$` in the name of a folder is none in a text.
                let folder = folder.to_string_lossy().replace('$', "$$");
                Path::new(&folder)
                    .join(path)
                    .components()
                    .collect::<std::path::PathBuf>()
                    .display()
                    .to_string()
            }
        };
        entry.value = WrittenValue::Text(path);
    }
    node.children.iter_mut().for_each(|child| absolute(child, value));
}
