//! `svc wait`.

use std::time::Duration;

use crate::base::duration::{self, Exact};
use crate::cli::board::{Board, Goal, Progress, towards};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::runs;
use crate::cli::session::{self, Change, Watch};

/// Wait until services are ready, stopped or completed
///
/// Exits with 0 when they are, with 3 when one of them cannot get there any more (it failed, or the
/// supervisor ended), and with 124 when the time runs out.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`), or `all`
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// What to wait for
    #[arg(long = "for", value_name = "STATE", default_value = "ready")]
    goal: Until,

    /// Wait at most this long, then exit with 124
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,

    /// One of them is enough
    #[arg(long)]
    any: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Until {
    /// Ready; a task completed
    Ready,
    /// Not running
    Stopped,
    /// Ended well
    Completed,
}

/// Waits.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, &args.names, |context, names| wait(context, args, names))
}

fn wait(context: &Context, args: &Args, names: &[String]) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    let goal = match args.goal {
        Until::Ready => Goal::Up,
        Until::Stopped => Goal::Down,
        Until::Completed => Goal::Completed,
    };
    session::block_on(async {
        let door = session::connect(context, &project).await?;
        let mut watch = Watch::open(door).await?;
        let names = resolve(&watch, names).await?;
        let waiting = until(&mut watch, &names, goal, args.any);
        match args.timeout {
            Some(limit) => match tokio::time::timeout(limit, waiting).await {
                Ok(exit) => Ok(exit),
                Err(_) => {
                    let message = format!("not {} within {}", said(goal), Exact(limit));
                    Err(Trouble::new(Exit::TimedOut, message))
                }
            },
            None => Ok(waiting.await),
        }
    })
}

/// Turns names into those of instances.
async fn resolve(watch: &Watch, names: &[String]) -> Result<Vec<String>, Trouble> {
    let mut found = Vec::new();
    for name in names {
        if name == "all" {
            found.extend(watch.board.instances.iter().filter(|i| !i.disabled).map(|i| i.name.clone()));
        } else {
            found.extend(watch.door.service(name).await?.instances.into_iter().map(|d| d.instance.name));
        }
    }
    Ok(found)
}

async fn until(watch: &mut Watch, names: &[String], goal: Goal, any: bool) -> Exit {
    loop {
        if let Some(exit) = judge(&watch.board, names, goal, any) {
            return exit;
        }
        match watch.next().await {
            Change::Event(event) => {
                watch.board.apply(&event);
            }
            Change::Resumed => {}
            Change::Ended(_) | Change::Gone => {
                return if goal == Goal::Down { Exit::Done } else { Exit::NotReady };
            }
        }
    }
}

/// Decides, when there is something to decide.
fn judge(board: &Board, names: &[String], goal: Goal, any: bool) -> Option<Exit> {
    let how: Vec<Progress> =
        names.iter().filter_map(|name| board.find(name)).map(|(_, i)| towards(i, goal)).collect();
    let reached = how.iter().filter(|&&p| p == Progress::Reached).count();
    let missed = how.iter().filter(|&&p| p == Progress::Missed).count();
    match any {
        true if reached > 0 => Some(Exit::Done),
        true if missed == how.len() => Some(Exit::NotReady),
        false if reached == how.len() => Some(Exit::Done),
        false if missed > 0 => Some(Exit::NotReady),
        _ => None,
    }
}

fn said(goal: Goal) -> &'static str {
    match goal {
        Goal::Up => "ready",
        Goal::Down => "stopped",
        Goal::Completed => "completed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{instance, services};
    use crate::control::wire::State;

    fn judged(states: &[State], goal: Goal, any: bool) -> Option<Exit> {
        let instances: Vec<_> =
            states.iter().enumerate().map(|(i, state)| instance(&format!("s{i}"), *state)).collect();
        let names: Vec<String> = instances.iter().map(|i| i.name.clone()).collect();
        judge(&Board::new(services(1, instances)), &names, goal, any)
    }

    #[test]
    fn all_have_to_be_there_or_with_any_one() {
        let mixed = [State::Ready, State::Starting];
        assert_eq!(judged(&mixed, Goal::Up, false), None);
        assert_eq!(judged(&mixed, Goal::Up, true), Some(Exit::Done));
        assert_eq!(judged(&[State::Ready, State::Ready], Goal::Up, false), Some(Exit::Done));
    }

    #[test]
    fn a_failure_ends_the_wait_unless_another_one_may_still_get_there() {
        let mixed = [State::Failed, State::Starting];
        assert_eq!(judged(&mixed, Goal::Up, false), Some(Exit::NotReady));
        assert_eq!(judged(&mixed, Goal::Up, true), None);
        assert_eq!(judged(&[State::Failed], Goal::Up, true), Some(Exit::NotReady));
        assert_eq!(judged(&[State::Failed], Goal::Down, false), Some(Exit::Done));
    }
}
