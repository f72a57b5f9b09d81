//! `svc stop`.

use std::time::Duration;

use crate::base::duration;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::request;
use crate::cli::runs;
use crate::control::wire::Command;

/// Stop services, and first what depends on them
///
/// What is stopped besides is named. What was only started for their sake stops too. Returns when nothing
/// of them runs.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`), or `all`
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// Leave alone what depends on them
    #[arg(long)]
    no_deps: bool,

    /// Return at once
    #[arg(long)]
    no_wait: bool,

    /// Wait at most this long, then exit with 124; svc goes on behind it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Stops services.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, &args.names, |context, names| {
        let command = Command::Stop { names: names.to_owned(), no_deps: args.no_deps };
        request::run(context, &command, !args.no_wait, args.timeout)
    })
}
