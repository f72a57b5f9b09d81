//! `svc down`.

use std::time::Duration;

use crate::base::duration;
use crate::cli::context::{Context, Verbosity};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::operate::{Operation, Verdict};
use crate::cli::request;
use crate::cli::runs;
use crate::cli::screen::Screen;
use crate::cli::session::{self, Change, Watch};
use crate::cli::signals::Signals;
use crate::control::ConnectError;
use crate::control::wire::Command;
use crate::runtime::Project;

/// Stop everything in reverse order and end the supervisor
///
/// With names it stops these, and what depends on them, and the supervisor goes on; a command of `svc run`
/// ends with its supervisor. Returns when nothing is left. That nothing runs is no error.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`); everything when none is named
    #[arg(value_name = "SVC")]
    names: Vec<String>,

    /// After this long, skip what is left of the grace periods and kill
    #[arg(short, long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "names")]
    timeout: Option<Duration>,

    /// Kill at once, without order or grace
    #[arg(long, conflicts_with_all = ["names", "timeout"])]
    kill: bool,
}

/// Stops everything.
///
/// # Errors
///
/// A name is not known, or the supervisor cannot be reached.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    if args.names.is_empty() {
        return everything(context, args);
    }
    runs::each(context, &args.names, |context, names| match names {
        // A run is all there is of its project.
        [name] if runs::is_run(context, name) => everything(context, args),
        names => {
            let command = Command::Stop { names: names.to_owned(), no_deps: false };
            request::run(context, &command, true, None)
        }
    })
}

fn everything(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    session::block_on(async {
        let door = match Door::reach(&project).await {
            Ok(door) => door,
            Err(ConnectError::NotRunning) => {
                if context.verbosity != Verbosity::Quiet {
                    context.say("nothing runs\n");
                }
                return Ok(Exit::Done);
            }
            Err(error) => return Err(Trouble::of(&error)),
        };
        let mut watch = Watch::open(door).await?;
        let (mut screen, mut signals) = (Screen::new(context), Signals::take()?);
        shut_down(context, &project, &mut watch, &mut screen, &mut signals, args.kill, args.timeout).await?;
        Ok(Exit::Done)
    })
}

/// Stops everything and waits until the supervisor has ended; a signal or the limit skips what is left of the
/// grace periods. Returns the exit code that the end of a service asked for.
///
/// # Errors
///
/// The supervisor does not answer.
pub async fn shut_down(
    context: &Context,
    project: &Project,
    watch: &mut Watch,
    screen: &mut Screen,
    signals: &mut Signals,
    kill: bool,
    limit: Option<Duration>,
) -> Result<Option<u8>, Trouble> {
    let mut kill = kill;
    let mut limit = limit;
    loop {
        let operation = match Operation::begin(watch, screen, signals, &Command::Shutdown { kill }).await {
            Ok(operation) => operation,
            // It ended by itself meanwhile.
            Err(trouble) if trouble.exit == Exit::Absent => return last_word(project, watch).await,
            Err(trouble) => return Err(trouble),
        };
        match operation.finish(limit).await? {
            Verdict::TimedOut | Verdict::Interrupted(_) if !kill => {
                context.say("skipping what is left of the grace periods\n");
                kill = true;
                limit = None;
            }
            Verdict::Interrupted(_) => {
                return Err(Trouble::new(Exit::Interrupted, "no longer waiting; svc goes on stopping"));
            }
            Verdict::Ended(code) => {
                until_free(project).await?;
                return Ok(code);
            }
            Verdict::Done | Verdict::Gone | Verdict::TimedOut => return last_word(project, watch).await,
            Verdict::Failed(names) | Verdict::RolledBack(names) => {
                return Err(Trouble::new(Exit::Failed, format!("did not stop: {}", names.join(", "))));
            }
            Verdict::Superseded => {}
        }
    }
}

/// Waits for the end of a supervisor that is ending; returns the exit code that the end of a service
/// asked for.
async fn last_word(project: &Project, watch: &mut Watch) -> Result<Option<u8>, Trouble> {
    let code = loop {
        match watch.next().await {
            Change::Ended(code) => break code,
            Change::Gone => break None,
            Change::Event(_) | Change::Resumed => {}
        }
    };
    until_free(project).await?;
    Ok(code)
}

/// Waits until the supervisor's lock is free: it holds it for life.
///
/// # Errors
///
/// The lock cannot be opened.
pub async fn until_free(project: &Project) -> Result<(), Trouble> {
    let project = project.clone();
    let freed = tokio::task::spawn_blocking(move || project.await_end()).await;
    match freed {
        Ok(result) => result.map_err(|error| Trouble::of(&error)),
        Err(error) => Err(Trouble::of(&error)),
    }
}
