//! `start`, `stop`, `restart` and `down SVC`: one request to a running supervisor, and its exit code.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::duration::Exact;
use crate::cli::account;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::operate::{Operation, Verdict};
use crate::cli::screen::Screen;
use crate::cli::session::{self, Watch};
use crate::cli::signals::Signals;
use crate::control::wire::{Command, State};
use crate::control::{CallError, Client};

/// Hands in a command and waits for its end.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(
    context: &Context,
    command: &Command,
    wait: bool,
    limit: Option<Duration>,
) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    session::block_on(async {
        let client = session::connect(context, &project).await?;
        if let Command::Stop { names, no_deps: false } = command {
            announce(context, &client, names).await?;
        }
        if !wait {
            client.command(command).await?;
            return Ok(Exit::Done);
        }
        let mut watch = Watch::open(client, &project).await?;
        let (mut screen, mut signals) = (Screen::new(context), Signals::take()?);
        let operation = Operation::begin(&mut watch, &mut screen, &mut signals, command).await?;
        let verdict = operation.finish(limit).await?;
        conclude(context, &watch, &verdict, limit).await
    })
}

/// Says what else will stop.
async fn announce(context: &Context, client: &Client, names: &[String]) -> Result<(), CallError> {
    let mut others: BTreeSet<String> = BTreeSet::new();
    let mut queue: Vec<String> = names.iter().filter(|name| *name != "all").cloned().collect();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = queue.pop() {
        for detail in client.service(&name).await?.instances {
            if !asked.insert(detail.instance.name.clone()) {
                continue;
            }
            for dependent in detail.dependents {
                let up = !matches!(
                    dependent.state,
                    State::Inactive | State::Disabled | State::Completed | State::Failed
                );
                if dependent.required && dependent.condition.is_some() && up {
                    queue.push(dependent.instance.clone());
                    others.insert(dependent.instance);
                }
            }
        }
    }
    let named = |other: &String| {
        names
            .iter()
            .any(|name| other == name || other.rsplit_once('.').is_some_and(|(service, _)| service == name))
    };
    let others: Vec<String> = others.into_iter().filter(|other| !named(other)).collect();
    if !others.is_empty() && context.verbosity != crate::cli::context::Verbosity::Quiet {
        context.say(&format!("also stops what depends on it: {}\n", others.join(", ")));
    }
    Ok(())
}

/// Turns a verdict into the last words and an exit code.
///
/// # Errors
///
/// The supervisor is gone, or a contrary request came.
pub async fn conclude(
    context: &Context,
    watch: &Watch,
    verdict: &Verdict,
    limit: Option<Duration>,
) -> Result<Exit, Trouble> {
    match verdict {
        Verdict::Done => Ok(Exit::Done),
        Verdict::Failed(names) => {
            account::tell(context, watch, names, None, false).await;
            Ok(Exit::Failed)
        }
        Verdict::Superseded => {
            Err(Trouble::new(Exit::Failed, "another request came in between and asked for the contrary"))
        }
        Verdict::TimedOut => {
            let limit = limit.map(|limit| Exact(limit).to_string()).unwrap_or_default();
            Err(Trouble::new(Exit::TimedOut, format!("not done within {limit}; svc goes on with it")))
        }
        Verdict::Interrupted(_) => {
            Err(Trouble::new(Exit::Interrupted, "no longer waiting; svc goes on with it"))
        }
        Verdict::Ended(code) => Ok(code.map_or(Exit::Done, Exit::Forwarded)),
        Verdict::Gone => Err(Trouble::new(Exit::Failed, "the supervisor is gone and has not come back")),
    }
}
