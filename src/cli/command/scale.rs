//! `svc scale`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Name, duration};
use crate::cli::command::apply::converge;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::{session, source};
use crate::control::wire::Proposal;

/// Change how many instances of a service run
///
/// What runs goes on; more are started after what they depend on, or those with the highest numbers are stopped.
/// The number holds until the service file says another one than now, or until `svc down`; `svc ps` and `svc plan`
/// show it. Other changes of the service file are left for `svc apply`. When a new instance fails its first start,
/// everything is as before and the exit code is 1.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A service and the number of its instances (`api=3`)
    #[arg(value_name = "SVC=N", required = true, value_parser = count)]
    counts: Vec<(Name, u32)>,

    /// Keep what is new even when it does not come up
    #[arg(long)]
    no_rollback: bool,

    /// Return at once
    #[arg(long)]
    no_wait: bool,

    /// Wait at most this long, then exit with 124; svc goes on behind it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Changes how many instances run.
///
/// # Errors
///
/// No supervisor runs, a name is not known, or the service file does not allow for that many.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    let source = source::runnable(context, &project.file)?;
    session::block_on(async {
        let door = session::connect(context, &project).await?;
        let scale = wire_of(&args.counts.iter().cloned().collect());
        let names = scale.keys().cloned().collect();
        let proposal =
            Proposal { rollback: !args.no_rollback, names, scale, in_force: true, ..Proposal::default() };
        converge(context, &source, &door, &proposal, !args.no_wait, args.timeout).await
    })
}

/// Returns the numbers as the API takes them.
pub fn wire_of(counts: &BTreeMap<Name, u32>) -> BTreeMap<String, u32> {
    counts.iter().map(|(name, &count)| (name.to_string(), count)).collect()
}

/// Reads `api=3`.
///
/// # Errors
///
/// Says what is wrong, for clap.
pub fn count(text: &str) -> Result<(Name, u32), String> {
    let (name, number) = text.split_once('=').ok_or("write SVC=N, as in `api=3`")?;
    let name = Name::new(name).map_err(|error| error.to_string())?;
    match number.parse() {
        Ok(0) => Err(format!("a service has at least one instance: `svc stop {name}` stops it")),
        Ok(count) => Ok((name, count)),
        Err(_) => Err(format!("`{number}` is no number of instances")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_name_and_a_number_of_at_least_one() {
        assert_eq!(count("api=3").map(|(name, n)| (name.to_string(), n)), Ok(("api".to_owned(), 3)));
        for wrong in ["api", "api=", "api=0", "api=-1", "=3", "api=3=4"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
