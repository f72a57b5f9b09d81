//! `svc reload`.

use std::time::Duration;

use crate::base::duration;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::request;
use crate::cli::runs;
use crate::control::wire::Command;

/// Have services read their configuration again
///
/// What has a `reload` in the service file is told by its signal or its command; its process goes on. Replicas of a
/// service without one are replaced one after the other, each when the one before is ready again, and what depends
/// on them is left alone. Exits with 1 when one could not be told, does not run or does not come back; the replicas
/// that were not reached then keep their processes.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`), or `all` that run and have a `reload`
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// Return at once
    #[arg(long)]
    no_wait: bool,

    /// Wait at most this long, then exit with 124; svc goes on behind it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Reloads services.
///
/// # Errors
///
/// No supervisor runs, a name is not known, or a service does not say how it reloads.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, &args.names, |context, names| {
        let command = Command::Reload { names: names.to_owned() };
        request::run(context, &command, !args.no_wait, args.timeout)
    })
}
