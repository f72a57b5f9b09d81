//! `svc config`.

use serde_json::{Map, Value, json};

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::{self, choose};
use crate::cli::source::{self, Written};
use crate::diagnostic::Span;
use crate::model::resolved::{Origin, document};
use crate::schema::{WrittenNode, print};

/// Print what holds once every layer is merged: defaults, templates, overlays and env-files
///
/// What is printed is a service file that stands for itself and has the same plan, wherever it lies: paths in it are
/// absolute. What is built in is not in it, and variables such as `${PORT}` stay as they are. Secrets print as `***`:
/// values that are marked `(secret)`, variables with a name like `DB_PASSWORD` or `API_KEY`, addresses with a password.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The services and tasks; everything when none is named
    #[arg(value_name = "SVC")]
    services: Vec<String>,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Say of each value where it is written, and whether it comes from defaults, a template or an overlay
    #[arg(long)]
    explain: bool,

    /// Print secrets as they are
    #[arg(long)]
    show_secrets: bool,
}

/// The forms of what holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A service file
    #[default]
    Kdl,
    /// One object; `svc schema -o json` is its schema
    Json,
}

/// Prints what holds.
///
/// # Errors
///
/// The file is not there or invalid, or has no such service.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    let written = source::written(context, &context.service_file()?)?;
    let mut names = Vec::new();
    if !args.services.iter().any(|name| name == "all") {
        for name in &args.services {
            names.extend(written.named(name)?);
        }
    }
    let mut nodes = written.resolved.nodes(&names);
    if !args.show_secrets {
        nodes.iter_mut().for_each(WrittenNode::hide);
    }
    context.print(&match form {
        Format::Kdl if args.explain => print::written(&nodes, &|node| note(&written, node)),
        Format::Kdl => print::written(&nodes, &|_| None),
        Format::Json => json(&written, &nodes, args.explain),
    })?;
    Ok(Exit::Done)
}

/// Returns where the values of a node are written, for people: each line once.
fn note(written: &Written, node: &WrittenNode) -> Option<String> {
    let mut places: Vec<String> = Vec::new();
    let spans = node.entries.iter().map(|entry| entry.span);
    let spans = spans.chain(node.entries.is_empty().then_some(node.span));
    for span in spans {
        let Some(location) = place(written, span) else { continue };
        let from = written.resolved.origin(span).map(from);
        let from = from.map_or(String::new(), |from| format!(" ({from})"));
        let place = format!("{}:{}{from}", location.file, location.line);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    // A block of variables is where they are.
    let several = node.entries.is_empty() && !node.children.is_empty() && node.name == "env";
    (!places.is_empty() && !several).then(|| places.join(", "))
}

/// Returns where a span is; `None` for what no file says.
fn place(written: &Written, span: Span) -> Option<crate::diagnostic::Location<'_>> {
    if span == Span::default() {
        return None;
    }
    written.map.location(span.lo)
}

fn from(origin: &Origin) -> String {
    match origin {
        Origin::Defaults => "defaults".to_owned(),
        Origin::Template(name) => format!("template {name}"),
        Origin::Overlay => "overlay".to_owned(),
    }
}

fn json(written: &Written, nodes: &[WrittenNode], explain: bool) -> String {
    let mut origins = Map::new();
    let mut document = document::document(nodes, &mut |pointer, span| {
        let Some(location) = place(written, span).filter(|_| explain) else { return };
        let mut origin = json!({ "file": location.file, "line": location.line, "column": location.column });
        if let Some(known) = written.resolved.origin(span) {
            origin["from"] = from(known).into();
        }
        origins.insert(pointer.to_owned(), origin);
    });
    if explain {
        document["origins"] = Value::Object(origins);
    }
    output::json(&document)
}
