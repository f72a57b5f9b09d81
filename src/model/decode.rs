//! Documents become a model: every node of the top level is decoded, then each service is merged
//! with `defaults`.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned};
use crate::model::effective::{self, Effective, Said};
use crate::model::merge::{self, Defaults};
use crate::model::node::env::EnvFiles;
use crate::model::node::settings::Settings;
use crate::model::node::top::{ControlNode, ProjectNode};
use crate::model::node::value::Mode;
use crate::model::node::vocabulary::VOCABULARY;
use crate::model::policy::Kind;
use crate::model::service::Model;
use crate::schema::{Context, FromNode, Spec};
use crate::syntax::{Document, Node};

/// The nodes of the top level with what may stand in them, in the order of the docs; `include` is
/// read before.
pub const TOP: &[(&str, &Spec)] = &[
    ("project", ProjectNode::SPEC),
    ("control", ControlNode::SPEC),
    ("defaults", Settings::SPEC),
    ("service", Settings::SPEC),
    ("task", Settings::SPEC),
];

/// The only mode a project's socket can have.
const SOCKET_MODE: Mode = Mode(0o600);

/// One file to be decoded.
pub struct File<'a> {
    /// Its tree.
    pub document: &'a Document,
    /// Its text.
    pub text: Arc<str>,
    /// The folder it is in; absolute.
    pub folder: Arc<Path>,
}

/// Decodes files. `name` is the project's when no file gives one. What `out` holds already are the
/// syntax errors of these files.
pub fn model(files: &[File<'_>], name: &str, env_files: &mut dyn EnvFiles, out: &mut Diagnostics) -> Model {
    let mut model = Model { project: name.to_owned(), ..Model::default() };
    let mut once = Once::default();
    for file in files {
        let mut cx = context(file, out);
        for node in file.document.nodes() {
            once.node(node, &mut model, env_files, &mut cx);
        }
    }
    let defaults = once.defaults.unwrap_or_default();
    let mut said = Said::default();
    for file in files {
        let mut cx = context(file, out);
        for node in file.document.nodes() {
            let kind = match node.name() {
                "service" => Kind::Service,
                "task" => Kind::Task,
                _ => continue,
            };
            if let Some(mut service) = declared(node, kind, &mut cx) {
                defaults.below(&mut service.settings, kind);
                model.services.push(service.service(env_files, &mut said, &mut cx));
            }
        }
    }
    model
}

fn context<'a>(file: &File<'_>, out: &'a mut Diagnostics) -> Context<'a> {
    Context::new(out, file.text.clone(), file.document.span().lo, file.folder.clone(), VOCABULARY)
}

/// What may stand there once in all files.
#[derive(Default)]
struct Once {
    project: Option<Span>,
    control: Option<Span>,
    defaults: Option<Defaults>,
    defaults_at: Option<Span>,
}

impl Once {
    fn node(&mut self, node: Node<'_>, model: &mut Model, files: &mut dyn EnvFiles, cx: &mut Context<'_>) {
        match node.name() {
            "service" | "task" | "include" => return,
            _ => cx.no_annotation(node.ty()),
        }
        match node.name() {
            "project" => {
                let read = ProjectNode::from_node(node, cx);
                if first(&mut self.project, node, cx) {
                    if let Some(name) = &read.name {
                        self.name(name, model, cx);
                    }
                    model.env = effective::variables(&read.env_file, read.env, files);
                }
            }
            "control" => {
                let read = ControlNode::from_node(node, cx);
                if first(&mut self.control, node, cx) {
                    let mode = read.socket.as_ref().and_then(|socket| socket.mode);
                    if let Some(mode) = mode.filter(|mode| mode.value != SOCKET_MODE) {
                        let message =
                            "a socket for others than its owner is not supported yet in this version";
                        let diagnostic = Diagnostic::error("svc::not-supported", mode.span, message);
                        cx.say(diagnostic.help("write `\"0600\"`, or remove it").fix(mode.span, "\"0600\""));
                    }
                }
            }
            "defaults" => {
                let mut read = Settings::from_node(node, cx);
                if let Some(name) = &read.name {
                    let message = "`defaults` hold for every service and have no name";
                    cx.say(Diagnostic::error("svc::surplus-argument", name.span, message).help("remove it"));
                }
                if first(&mut self.defaults_at, node, cx) {
                    merge::check(&mut read, cx);
                    self.defaults = Some(Defaults::new(read, node.span()));
                }
            }
            _ => {
                let known = TOP.iter().map(|(name, _)| *name).chain(["include"]).collect();
                cx.unknown_node(node, "", known);
            }
        }
    }

    fn name(&self, name: &Spanned<String>, model: &mut Model, cx: &mut Context<'_>) {
        let text = &name.value;
        if text.is_empty()
            || text.len() > 100
            || text.starts_with('.')
            || text.contains(|c: char| c == '/' || c.is_control())
        {
            let message = format!("`{}` cannot be the name of a project", text.escape_debug());
            cx.say(
                Diagnostic::error("svc::bad-name", name.span, message)
                    .help("one to 100 characters, without `/`"),
            );
        }
        model.project.clone_from(text);
    }
}

/// Remembers the first of a node that may stand there once, and says that this is another one.
fn first(place: &mut Option<Span>, node: Node<'_>, cx: &mut Context<'_>) -> bool {
    match *place {
        Some(first) => {
            cx.twice("svc::repeated-node", &format!("`{}`", node.name()), first, node.head_span());
            false
        }
        None => {
            *place = Some(node.head_span());
            true
        }
    }
}

/// Reads a service or task; `None` without a name, which has been said.
fn declared(node: Node<'_>, kind: Kind, cx: &mut Context<'_>) -> Option<Effective> {
    cx.no_annotation(node.ty());
    let mut settings = Settings::from_node(node, cx);
    let Some(name) = settings.name.clone() else {
        if node.arguments().next().is_none() {
            let word = node.name();
            cx.missing(node, "a name", &format!("write `{word} \"NAME\" {{ … }}`"));
        }
        return None;
    };
    merge::check(&mut settings, cx);
    let damaged = node.is_broken() || cx.is_damaged(node.span());
    Some(Effective { settings, name, kind, folder: cx.folder.clone(), declared: node.span(), damaged })
}
