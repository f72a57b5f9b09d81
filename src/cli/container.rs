//! svc as the first process of a container: what the engine that runs the container expects of it.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::change;
use crate::cli::context::Context;
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::orphans;
use crate::control::wire::Proposal;
use crate::graph::Plan;
use crate::sys::machine;

/// How long a container engine waits after its stop signal before it kills, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// What of that is left for the end itself: killing what is left, and writing its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Returns how long a stop may take when nobody said: as the first process of a container, less than its
/// engine's patience. Where a service has a longer grace period, whoever wrote that has told the engine too.
pub fn patience(plan: &Plan) -> Option<Duration> {
    if !orphans::is_first() || machine::is_first() {
        return None;
    }
    let longest = plan.services.iter().map(|service| service.rules.stop.grace).max().unwrap_or_default();
    (longest <= PATIENCE).then_some(PATIENCE - LAST_WORDS)
}

/// As the first process, which has no terminal to lose: applies the service file at each `SIGHUP`. Never
/// ends by itself.
///
/// # Errors
///
/// The kernel refuses to deliver the signal.
pub async fn apply_on_hangup(context: &Context, door: &Door) -> Result<Exit, Trouble> {
    if !orphans::is_first() {
        return std::future::pending().await;
    }
    let mut hangups = signal(SignalKind::hangup())?;
    while hangups.recv().await.is_some() {
        let proposal = Proposal { rollback: true, ..Proposal::default() };
        context.say(&match door.plan(&proposal).await {
            Ok(planned) if planned.request.is_none() => format!("svc: {}", change::NOTHING),
            Ok(planned) => format!("svc: applying the service file: {}\n", change::summary(&planned.steps)),
            Err(error) => format!("svc: cannot apply the service file: {}\n", Trouble::from(error).message),
        });
    }
    std::future::pending().await
}
