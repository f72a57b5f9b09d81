//! `svc graph`.

use std::path::PathBuf;

use crate::cli::context::{Context, columns};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::choose;
use crate::cli::source;
use crate::graph::print::{Direction, Style, dot, json, mermaid, tree};

/// Show in which order everything starts, without starting anything
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The file; the service file when none is given
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Show the order of stopping instead
    #[arg(long)]
    stop_order: bool,
}

/// The forms of the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// What starts together, one wave under another
    #[default]
    Tree,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// One object
    Json,
}

/// Shows the order.
///
/// # Errors
///
/// The file is not there or invalid.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    if args.stop_order && form != Format::Tree {
        return Err(Trouble::new(Exit::Usage, "`--stop-order` is shown as a tree only"));
    }
    let file = args.file.clone().map_or_else(|| context.service_file(), Ok)?;
    let plan = source::plan(context, &file)?.plan;
    let direction = if args.stop_order { Direction::Stop } else { Direction::Start };
    let text = match form {
        Format::Tree => {
            let style = Style { color: context.out.colour, ascii: false, width: columns(std::io::stdout()) };
            tree(&plan, direction, style)
        }
        Format::Dot => dot(&plan),
        Format::Mermaid => mermaid(&plan),
        Format::Json => json(&plan),
    };
    context.print(&if text.ends_with('\n') { text } else { text + "\n" })?;
    Ok(Exit::Done)
}
