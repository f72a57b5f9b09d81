//! `svc plan`.

use crate::cli::change;
use crate::cli::context::{Context, columns};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::{choose, json};
use crate::cli::{session, source};
use crate::control::wire::Proposal;

/// Show what `svc apply` would do, and why
///
/// Compares what runs with what the service file says now, and does nothing. A change of `env` or
/// `command` needs another process; `restart`, `stop` and others hold without one; the reference of the
/// service file says which is which.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How to print
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// The forms of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line an instance
    #[default]
    Table,
    /// One object, `svc.plan/1`
    Json,
}

/// Shows what would change.
///
/// # Errors
///
/// No supervisor runs, or the service file is invalid.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    let project = session::project(context)?;
    source::plan(context, &project.file)?;
    let planned = session::block_on(async {
        let door = session::connect(context, &project).await?;
        Ok(door.plan(&Proposal { dry_run: true, ..Proposal::default() }).await?)
    })?;
    context.print(&match form {
        Format::Json => json(&planned),
        Format::Table => change::table(&planned.steps, context.out, columns(std::io::stdout())),
    })?;
    if form == Format::Table {
        context.say(&match planned.steps.as_slice() {
            [] => change::NOTHING.to_owned(),
            steps => format!("{}; `svc apply` does it\n", change::summary(steps)),
        });
        context.say(&change::scaled(&planned.scaled));
    }
    Ok(Exit::Done)
}
