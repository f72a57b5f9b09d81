//! `svc schema`.

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::choose;
use crate::model::decode::described;
use crate::model::resolved::document;
use crate::schema::print;

/// Print everything that may stand in a service file
///
/// For editors, for fuzzers, and for reading.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How to print it
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// The forms of the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// In the KDL schema language
    #[default]
    Kdl,
    /// A page to read
    Markdown,
    /// The JSON Schema of `svc config -o json`
    Json,
    /// A dictionary for fuzzers
    Dict,
}

/// Prints the schema.
///
/// # Errors
///
/// Stdout cannot be written to.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let top = described();
    context.print(&match choose(context, args.output)? {
        Format::Kdl => print::kdl(&top),
        Format::Markdown => print::markdown(&top),
        Format::Json => format!("{:#}\n", document::schema()),
        Format::Dict => print::dictionary(&top),
    })?;
    Ok(Exit::Done)
}
