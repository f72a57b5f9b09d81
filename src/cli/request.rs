//! `start`, `stop`, `restart` and `down SVC`: one request to a running supervisor, and its exit code.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::duration::Exact;
use crate::cli::account;
use crate::cli::context::{Context, Verbosity};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::operate::{Operation, Verdict};
use crate::cli::screen::Screen;
use crate::cli::session::{self, Watch};
use crate::cli::signals::Signals;
use crate::control::CallError;
use crate::control::wire::{Command, State};

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
        let door = session::connect(context, &project).await?;
        let others = goes_with(&door, command).await?;
        announce(context, command, &others);
        if !wait {
            door.command(command).await?;
            return Ok(Exit::Done);
        }
        let mut watch = Watch::open(door).await?;
        let (mut screen, mut signals) = (Screen::new(context), Signals::take()?);
        let mut operation = Operation::begin(&mut watch, &mut screen, &mut signals, command).await?;
        operation.show(others);
        let verdict = operation.finish(limit).await?;
        if let (Command::Reload { .. }, Verdict::Failed(names)) = (command, &verdict) {
            return Err(not_reloaded(context, &watch, names).await);
        }
        conclude(context, &watch, &verdict, limit).await
    })
}

/// Finds what goes the same way as what a command names: what is up and cannot be without what stops or
/// restarts, what is not up and is needed by what starts.
///
/// # Errors
///
/// A name is not known.
pub async fn goes_with(door: &Door, command: &Command) -> Result<Vec<String>, CallError> {
    let names = match command {
        Command::Start { names, no_deps: false }
        | Command::Run { names, no_deps: false }
        | Command::Stop { names, no_deps: false }
        | Command::Restart { names, no_deps: false } => names,
        Command::Start { .. }
        | Command::Run { .. }
        | Command::Stop { .. }
        | Command::Restart { .. }
        | Command::Reload { .. }
        | Command::Shutdown { .. } => {
            return Ok(Vec::new());
        }
    };
    let starts = matches!(command, Command::Start { .. } | Command::Run { .. });
    let mut others: BTreeSet<String> = BTreeSet::new();
    let mut queue = Vec::new();
    for name in names.iter().filter(|name| *name != "all") {
        queue.extend(door.service(name).await?.instances);
    }
    // What the names mean: a service, an instance, a group, a pattern.
    let named: BTreeSet<String> = queue.iter().map(|detail| detail.instance.name.clone()).collect();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    while let Some(detail) = queue.pop() {
        if !asked.insert(detail.instance.name.clone()) {
            continue;
        }
        let others_of = if starts { detail.depends_on } else { detail.dependents };
        for other in others_of.into_iter().filter(|other| other.condition.is_some()) {
            let passes = match other.state {
                State::Ready | State::Scheduled | State::Completed if starts => false,
                _ if starts => others.insert(other.instance.clone()),
                _ if !other.required => false,
                State::Inactive | State::Disabled | State::Failed => false,
                // What builds on its result stops too; a restart lets the result stand.
                State::Completed => matches!(command, Command::Stop { .. }),
                _ => others.insert(other.instance.clone()),
            };
            if passes {
                queue.extend(door.service(&other.instance).await?.instances);
            }
        }
    }
    Ok(others.into_iter().filter(|other| !named.contains(other)).collect())
}

/// Says what was not reloaded and why.
async fn not_reloaded(context: &Context, watch: &Watch, names: &[String]) -> Trouble {
    let state = |name: &String| watch.board.find(name).map(|(_, instance)| instance.state);
    let fails = |state| matches!(state, Some(State::Failed | State::Backoff | State::Starting));
    let failed: Vec<String> = names.iter().filter(|name| fails(state(name))).cloned().collect();
    account::tell(context, watch, &failed, None, false).await;
    let one = |name: &String| match state(name) {
        Some(State::Ready | State::Unhealthy) | None => name.clone(),
        Some(state) => format!("{name} ({state})"),
    };
    let all: Vec<String> = names.iter().map(one).collect();
    Trouble::new(Exit::Failed, format!("not reloaded: {}", all.join(", ")))
}

/// Says what else will stop or restart.
fn announce(context: &Context, command: &Command, others: &[String]) {
    let verb = match command {
        Command::Restart { .. } => "restarts",
        Command::Stop { .. } => "stops",
        // That it comes with what it depends on is what a start is for; the picture shows it.
        Command::Start { .. } | Command::Run { .. } | Command::Reload { .. } | Command::Shutdown { .. } => {
            return;
        }
    };
    if others.is_empty() || context.verbosity == Verbosity::Quiet {
        return;
    }
    context.say(&format!("also {verb} what depends on it: {}\n", others.join(", ")));
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
        Verdict::RolledBack(names) => {
            let names = names.join(", ");
            Err(Trouble::new(
                Exit::Failed,
                format!("rolled back: {names} did not come up under the new plan"),
            ))
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
