//! `svc apply`.

use std::time::Duration;

use crate::base::duration;
use crate::cli::change;
use crate::cli::context::{Context, Verbosity, columns};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::operate::Operation;
use crate::cli::request::conclude;
use crate::cli::screen::Screen;
use crate::cli::session::{self, Watch};
use crate::cli::signals::Signals;
use crate::cli::source::{self, Source};
use crate::control::wire::Proposal;

/// Put the service file as it is now in force, without stopping what did not change
///
/// What is new is started, what is gone is stopped, and what needs another process is restarted together
/// with what cannot be without it, in order. When something of that fails its first start, the plan before
/// is put in force again and the exit code is 1. The environment stays that of the `svc up` that began.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Keep what is new in force even when it does not come up
    #[arg(long)]
    no_rollback: bool,

    /// Return at once
    #[arg(long)]
    no_wait: bool,

    /// Wait at most this long, then exit with 124; svc goes on behind it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Applies the service file.
///
/// # Errors
///
/// No supervisor runs, or the service file is invalid.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    let source = source::runnable(context, &project.file)?;
    session::block_on(async {
        let door = session::connect(context, &project).await?;
        let proposal = Proposal { rollback: !args.no_rollback, ..Proposal::default() };
        converge(context, &source, &door, &proposal, !args.no_wait, args.timeout).await
    })
}

/// Puts the service file in force, and waits for what that starts.
///
/// # Errors
///
/// The supervisor refuses it, or is gone.
pub async fn converge(
    context: &Context,
    source: &Source,
    door: &Door,
    proposal: &Proposal,
    wait: bool,
    limit: Option<Duration>,
) -> Result<Exit, Trouble> {
    let quiet = context.verbosity == Verbosity::Quiet;
    let mut watch = Watch::open(door.clone()).await?;
    let planned = door.plan(proposal).await?;
    let Some(request) = planned.request else {
        if !quiet {
            context.say(if proposal.in_force { change::AS_MANY } else { change::NOTHING });
            context.say(&change::scaled(&planned.scaled));
        }
        return Ok(Exit::Done);
    };
    if !quiet {
        context.say(&change::table(&planned.steps, context.err, columns(std::io::stderr())));
        context.say(&change::scaled(&planned.scaled));
    }
    if !wait {
        return Ok(Exit::Done);
    }
    let (mut screen, mut signals) = (Screen::new(context), Signals::take()?);
    let mut operation = Operation::of_plan(&mut watch, &mut screen, &mut signals, request, &planned.steps);
    if !proposal.rollback {
        // With a way back the engine itself waits for this.
        let names = operation.names.iter().filter(|name| source.has_no_readiness(name));
        operation.prove(names.cloned().collect());
    }
    let verdict = operation.finish(limit).await?;
    conclude(context, &watch, &verdict, limit).await
}
