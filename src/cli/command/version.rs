//! `svc version`.

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};

/// Print the version
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Prints the version.
pub fn run(context: &Context, _: &Args) -> Result<Exit, Trouble> {
    context.print(&format!("svc {}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(Exit::Done)
}
