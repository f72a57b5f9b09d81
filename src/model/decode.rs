//! Documents become a model: each layer is decoded, then each service is merged with what lies below it.
//!
//! The services of the lowest layer are made one after another as they are read, so that a hundred thousand of
//! them are never held in two forms; those of the layers above, which are few, are read before.

mod halves;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Diagnostics, Spanned, suggest};
use crate::model::effective::{self, Effective, Said};
use crate::model::layer::{Layer, declared_twice, named};
use crate::model::merge::{self, Defaults};
use crate::model::node::control::ControlNode;
use crate::model::node::env::EnvFiles;
use crate::model::node::settings::Settings;
use crate::model::node::top::{GroupNode, ProjectNode};
use crate::model::node::vocabulary::VOCABULARY;
use crate::model::policy::Kind;
use crate::model::resolved::{self, Resolved};
use crate::model::service::{Model, Service};
use crate::model::template::Templates;
use crate::schema::{Context, Form, FromNode, Row, RowKind, Spec};
use crate::syntax::{Document, Node};

/// The nodes of the top level with what may stand in them, in the order of the docs; `include` is
/// read before.
pub const TOP: &[(&str, &Spec)] = &[
    ("project", ProjectNode::SPEC),
    ("control", ControlNode::SPEC),
    ("service", Settings::SPEC),
    ("task", Settings::SPEC),
    ("template", Settings::SPEC),
    ("defaults", Settings::SPEC),
    ("group", GroupNode::SPEC),
];

/// `include`, which is read before anything is decoded.
const INCLUDE: &Spec = &Spec {
    doc: "Further service files, as if they stood here; `*` and `**` stand for any names and folders.",
    rows: &[Row::new(RowKind::Arguments, "files", "a path or a pattern", "Files; relative to this file.")
        .valued(Form::Text, &[])],
};

/// Returns every node of the top level with its description, for those who print them.
pub fn described() -> Vec<(&'static str, &'static Spec)> {
    TOP.iter().copied().chain([("include", INCLUDE)]).collect()
}

/// One file to be decoded.
pub struct File<'a> {
    /// Its tree.
    pub document: &'a Document,
    /// Its text.
    pub text: Arc<str>,
    /// The folder it is in; absolute.
    pub folder: Arc<Path>,
    /// Which layer it belongs to: 0 is the lowest, the next one is laid over it.
    pub layer: usize,
}

/// Decodes files, those of a lower layer first. `name` is the project's when no file gives one. What `out` holds
/// already are the syntax errors of these files. What holds is kept as it is written in `kept`, when somebody asks.
pub fn model(
    files: &[File<'_>],
    name: &str,
    env_files: &mut dyn EnvFiles,
    mut kept: Option<&mut Resolved>,
    out: &mut Diagnostics,
) -> Model {
    let layer = top(files, out);
    let mut model = Model { project: name.to_owned(), ..Model::default() };
    let mut named = None;
    if let Some(project) = layer.project {
        if let Some(name) = project.name {
            named = Some(name.span);
            model.project = name.value;
        }
        model.env = effective::variables(&project.env_file, project.env, env_files);
    }
    if let Some(kept) = kept.as_deref_mut() {
        kept.project.1 = named;
        kept.control = layer.control.clone();
        kept.groups = layer.groups.values().cloned().collect();
        kept.origins = resolved::origins(files);
    }
    model.control = layer.control.map(ControlNode::control).unwrap_or_default();
    model.groups = layer.groups.into_values().filter_map(|node| Some((node.name?, node.members))).collect();
    model.groups.sort_by_key(|(name, _)| name.span);
    let templates = Templates::new(layer.templates.into_values().collect(), out);
    let defaults = Defaults::new(layer.defaults.unwrap_or_default(), layer.defaults_at);
    let mut overlays = Overlays::read(files, out);
    let below = Below { templates: &templates, defaults: &defaults };
    let mut maker = Maker { below, said: Said::default(), env_files, kept };
    model.lost = layer.lost;
    for file in files.iter().filter(|file| file.layer == 0) {
        let nodes: Vec<Node<'_>> = file.document.nodes().collect();
        let alone = maker.kept.is_none() && overlays.list.is_empty() && out.is_empty();
        halves::each(&nodes, alone.then_some((file, below)), &mut model, |nodes, model| {
            let mut cx = context(file, out);
            for &node in nodes {
                let Some(mut service) = declared(node, &mut cx) else { continue };
                overlays.over(&mut service, &mut cx);
                model.services.push(Box::new(maker.make(service, &mut cx)));
            }
        });
    }
    if let Some(top) = files.last() {
        let mut cx = context(top, out);
        for mut service in overlays.new_ones() {
            meant_for_another(&mut service, &model.services, &mut cx);
            model.services.push(Box::new(maker.make(service, &mut cx)));
        }
        templates.unused(&mut cx);
    }
    model
}

fn context<'a>(file: &File<'_>, out: &'a mut Diagnostics) -> Context<'a> {
    Context::new(out, file.text.clone(), file.document.span().lo, file.folder.clone(), VOCABULARY)
}

/// Reads what all layers say at the top level, merged.
fn top(files: &[File<'_>], out: &mut Diagnostics) -> Layer {
    let mut merged = Layer::default();
    for files in files.chunk_by(|a, b| a.layer == b.layer) {
        let mut layer = Layer::default();
        for file in files {
            let mut cx = context(file, out);
            file.document.nodes().for_each(|node| layer.read(node, &mut cx));
        }
        layer.over(merged);
        merged = layer;
    }
    merged
}

/// Returns what a node of the top level declares, if it does. One whose name is mistyped, which has been said, is read as
/// what it was meant for.
fn kind(name: &str, cx: &Context<'_>) -> Option<Kind> {
    match name {
        "service" => Some(Kind::Service),
        "task" => Some(Kind::Task),
        "include" => None,
        _ if TOP.iter().any(|(known, _)| *known == name) => None,
        _ => {
            let top: Vec<&str> = TOP.iter().map(|(name, _)| *name).collect();
            match cx.stands_for(name, &top)? {
                "service" => Some(Kind::Service),
                "task" => Some(Kind::Task),
                _ => None,
            }
        }
    }
}

/// Reads a service or task; `None` for any other node, and without a name, which has been said.
fn declared(node: Node<'_>, cx: &mut Context<'_>) -> Option<Effective> {
    let kind = kind(node.name(), cx)?;
    cx.no_annotation(node.ty());
    let mut settings = Settings::from_node(node, cx);
    let name = named(&settings, node, cx)?;
    merge::check(&mut settings, cx);
    let damaged = node.is_broken() || cx.is_damaged(node.span());
    Some(Effective { settings, name, kind, folder: cx.folder.clone(), declared: node.span(), damaged })
}

/// Says that a service that only a file laid over others has, and that runs nothing, was meant for one of theirs.
fn meant_for_another(service: &mut Effective, known: &[Box<Service>], cx: &mut Context<'_>) {
    let Settings { command, shell, extends, mistaken, .. } = &mut service.settings;
    if command.is_some() || shell.is_some() || extends.is_some() || *mistaken {
        return;
    }
    let Spanned { value: name, span } = &service.name;
    let names = known.iter().map(|service| service.name.value.as_str());
    if let Some(near) = suggest::nearest(name.as_str(), names) {
        *mistaken = true;
        let message = format!("no file below declares `{name}`, and it does not say what to run");
        let diagnostic = Diagnostic::error("svc::missing", *span, message);
        cx.say(diagnostic.help(format!("did you mean `{near}`?")).fix(*span, format!("\"{near}\"")));
    }
}

/// What lies below every service.
#[derive(Clone, Copy)]
struct Below<'a> {
    templates: &'a Templates,
    defaults: &'a Defaults,
}

/// Makes services of what is said about them, one after another.
struct Maker<'a> {
    below: Below<'a>,
    said: Said,
    env_files: &'a mut dyn EnvFiles,
    /// Where services are kept as they are written.
    kept: Option<&'a mut Resolved>,
}

impl Maker<'_> {
    /// Lays a service over what lies below it and makes it.
    fn make(&mut self, mut service: Effective, cx: &mut Context<'_>) -> Service {
        self.below.templates.below(&mut service.settings, cx);
        self.below.defaults.below(&mut service.settings, service.kind);
        let written = self.kept.is_some().then(|| (service.settings.clone(), service.folder.clone()));
        let made = service.service(self.env_files, &mut self.said, cx);
        if let (Some(kept), Some((settings, folder))) = (self.kept.as_deref_mut(), written) {
            kept.services.push(resolved::Kept::new(&made, settings, folder));
        }
        made
    }
}

/// What the layers above the lowest say about services.
#[derive(Default)]
struct Overlays {
    places: BTreeMap<Name, usize>,
    /// In reading order, those of the highest layer first; `None` for one that was laid over another.
    list: Vec<Option<Effective>>,
}

impl Overlays {
    /// Reads all layers but the lowest.
    fn read(files: &[File<'_>], out: &mut Diagnostics) -> Self {
        let mut this = Self::default();
        let above = files.chunk_by(|a, b| a.layer == b.layer).skip(1);
        for files in above.collect::<Vec<_>>().into_iter().rev() {
            let mut here = BTreeMap::new();
            for file in files {
                let mut cx = context(file, out);
                for node in file.document.nodes() {
                    let Some(mut service) = declared(node, &mut cx) else { continue };
                    let Spanned { value: name, span } = service.name.clone();
                    if let Some(&first) = here.get(&name) {
                        cx.say(declared_twice(&format!("`{name}`"), first, span));
                        continue;
                    }
                    here.insert(name.clone(), span);
                    this.over(&mut service, &mut cx);
                    this.places.insert(name, this.list.len());
                    this.list.push(Some(service));
                }
            }
        }
        this
    }

    /// Lays what is said about a service here over what a lower layer says about it.
    fn over(&mut self, lower: &mut Effective, cx: &mut Context<'_>) {
        let place = self.places.get(&lower.name.value);
        let Some(upper) = place.and_then(|&place| self.list[place].take()) else { return };
        if upper.kind != lower.kind {
            let (name, is, was) = (&lower.name.value, upper.kind.word(), lower.kind.word());
            let message = format!("`{name}` is a {was}, and a file laid over it makes it a {is}");
            let diagnostic = Diagnostic::error("svc::overlay-kind", upper.name.span, message);
            let diagnostic = diagnostic.here(format!("a {is}")).label(lower.name.span, format!("a {was}"));
            return cx.say(diagnostic.help(format!("write `{was} \"{name}\"`, or choose another name")));
        }
        let mut settings = upper.settings;
        settings.span = lower.settings.span;
        merge::lay(&mut settings, &lower.settings);
        lower.settings = settings;
        lower.damaged |= upper.damaged;
    }

    /// Returns the services that no lower layer has, in the order of the layers.
    fn new_ones(self) -> impl Iterator<Item = Effective> {
        let mut list: Vec<Effective> = self.list.into_iter().flatten().collect();
        list.sort_by_key(|service| service.name.span);
        list.into_iter()
    }
}
