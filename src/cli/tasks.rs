//! When a task runs next and how it ran before, in words.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::base::duration::Rough;
use crate::cli::progress::between;
use crate::control::wire::{Run, RunResult};

/// Says when it runs next: `next at 03:00`, with the seconds where they count and the day where it is not
/// this one.
pub fn next_run(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let ahead = at.duration_since(&now);
    let form = match () {
        () if ahead >= SignedDuration::from_hours(24 * 7) => "next on %Y-%m-%d at %H:%M",
        () if at.date() != now.date() => "next on %a at %H:%M",
        () if at.second() != 0 => "next at %H:%M:%S",
        () => "next at %H:%M",
    };
    at.strftime(form).to_string()
}

/// Says how a run ended and when: `last run ok 12s ago`.
pub fn last_run(run: &Run, now: Timestamp) -> String {
    let took = SignedDuration::try_from(took(run)).unwrap_or(SignedDuration::MAX);
    let ended = run.at.checked_add(took).unwrap_or(now);
    format!("last run {} {} ago", ending(run), Rough(between(ended, now)))
}

/// Lists the runs, the latest first: when, how long and how each ended.
pub fn history(runs: &[Run], zone: &TimeZone) -> Vec<String> {
    let line = |run: &Run| {
        let at = run.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        format!("{at}  {:>6}  {}", Rough(took(run)).to_string(), ending(run))
    };
    runs.iter().rev().map(line).collect()
}

fn took(run: &Run) -> Duration {
    Duration::from_millis(run.took_ms)
}

fn ending(run: &Run) -> String {
    match (run.result, &run.exit) {
        (RunResult::Succeeded, _) => "ok".to_owned(),
        (RunResult::Failed, Some(exit)) => format!("failed ({exit})"),
        (RunResult::Failed, None) => "failed".to_owned(),
        (RunResult::TimedOut, _) => "timed out".to_owned(),
        (RunResult::NotStarted, _) => "could not be started".to_owned(),
        (RunResult::Stopped, _) => "stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{ago, now};
    use crate::control::wire::Exit;

    fn run(result: RunResult, exit: Option<Exit>) -> Run {
        Run { at: ago(15_000), took_ms: 3_000, result, exit }
    }

    #[test]
    fn the_next_run_is_said_as_exactly_as_it_needs() {
        let next = |ahead: i64| next_run(now() + SignedDuration::from_secs(ahead), now(), &TimeZone::UTC);
        assert_eq!(next(3_600), "next at 13:00");
        assert_eq!(next(7), "next at 12:00:07");
        assert_eq!(next(15 * 3_600), "next on Mon at 03:00");
        assert_eq!(next(30 * 86_400), "next on 2026-03-31 at 12:00");
    }

    #[test]
    fn a_run_is_told_with_its_end() {
        assert_eq!(last_run(&run(RunResult::Succeeded, None), now()), "last run ok 12s ago");
        let failed = run(RunResult::Failed, Some(Exit::Code(3)));
        assert_eq!(last_run(&failed, now()), "last run failed (exited with code 3) 12s ago");
        let runs = [run(RunResult::TimedOut, None), failed];
        assert_eq!(
            history(&runs, &TimeZone::UTC),
            [
                "2026-03-01 11:59:45    3.0s  failed (exited with code 3)",
                "2026-03-01 11:59:45    3.0s  timed out"
            ]
        );
    }
}
