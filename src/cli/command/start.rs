//! `svc start`.

use std::time::Duration;

use crate::base::duration;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::request;
use crate::cli::runs;
use crate::control::wire::Command;

/// Start services, with what they depend on
///
/// Returns when they are ready; a task, when it has completed. Exits with 1 as soon as one of them, or what it
/// waits for, has failed for good or five times in a row; svc goes on trying what may be tried again.
///
/// A scheduled task that is named itself runs now, whatever its schedule says; one that is meant by a group, a pattern
/// or `all` waits for its time.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`), or `all`
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// Leave dependencies alone and do not wait for them
    #[arg(long)]
    no_deps: bool,

    /// Return at once
    #[arg(long)]
    no_wait: bool,

    /// Wait at most this long, then exit with 124; svc goes on behind it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Starts services.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, &args.names, |context, names| {
        let command = Command::Run { names: names.to_owned(), no_deps: args.no_deps };
        request::run(context, &command, !args.no_wait, args.timeout)
    })
}
