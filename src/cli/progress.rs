//! What a person sees while something is under way: a line a service, or a line an event.
//!
//! Pure functions of what is known and of the time: `screen` decides when they are drawn and where.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::duration::Rough;
use crate::cli::board::{Board, Goal, Progress, towards};
use crate::cli::style::{self, Paint, Style, shorten};
use crate::cli::tasks;
use crate::control::wire::{Event, Happening, Instance, Kind, State};

/// The room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// The longest name that the columns make room for.
const WIDEST: usize = 28;

/// Returns the time between two moments; zero when they are the wrong way round.
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// Renders the picture of `names` on their way to a goal: a line each and one that sums up.
///
/// When there are more than rows, those that are where they should be are only counted.
pub fn block(
    board: &Board,
    names: &BTreeSet<String>,
    goal: Goal,
    now: Timestamp,
    size: Size,
    style: Style,
) -> Vec<String> {
    let chosen: Vec<&Instance> = board.instances.iter().filter(|i| names.contains(&i.name)).collect();
    let reached = chosen.iter().filter(|i| towards(i, goal) == Progress::Reached).count();
    let room = size.rows.saturating_sub(3).max(1);
    let (shown, hidden) = fitting(&chosen, goal, room);
    let width = shown.iter().map(|i| i.name.chars().count()).max().unwrap_or(0).min(WIDEST);
    let mut lines: Vec<String> = shown.iter().map(|i| line(i, goal, now, width, size, style)).collect();
    if hidden > 0 {
        lines.push(style.paint(Paint::Dim, &format!("  … and {hidden} more")));
    }
    let word = match goal {
        Goal::Up => "ready",
        Goal::Down => "down",
        Goal::Completed => "completed",
    };
    lines.push(style.paint(Paint::Dim, &format!("{reached} of {} {word}", chosen.len())));
    lines
}

/// Chooses what fits: what is under way or wrong first, in the order of the file.
fn fitting<'a>(chosen: &[&'a Instance], goal: Goal, room: usize) -> (Vec<&'a Instance>, usize) {
    if chosen.len() <= room {
        return (chosen.to_vec(), 0);
    }
    let room = room.saturating_sub(1).max(1);
    // Who waits for nobody is what the others wait for: show it before those that wait.
    let rank = |instance: &Instance| match (towards(instance, goal), instance.state) {
        (Progress::Missed, _) | (_, State::Backoff | State::Unhealthy) => 0,
        (Progress::Pending, State::Waiting) => 2,
        (Progress::Pending, _) => 1,
        (Progress::Reached, _) => 3,
    };
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    order.sort_by_key(|&index| rank(chosen[index]));
    order.truncate(room);
    order.sort_unstable();
    (order.iter().map(|&index| chosen[index]).collect(), chosen.len() - room)
}

fn line(instance: &Instance, goal: Goal, now: Timestamp, width: usize, size: Size, style: Style) -> String {
    let (mark, paint) = match (towards(instance, goal), instance.state) {
        // It is down, as it should be, and did not end well.
        (Progress::Reached, State::Failed) => ("✗", Paint::Bad),
        (Progress::Reached, _) => ("✓", Paint::Good),
        (Progress::Missed, _) => ("✗", Paint::Bad),
        (Progress::Pending, State::Waiting) => ("·", Paint::Dim),
        (Progress::Pending, State::Backoff | State::Unhealthy) => ("!", Paint::Bad),
        (Progress::Pending, _) => ("▸", Paint::Busy),
    };
    let name = shorten(&instance.name, width);
    let word = match (goal, instance.state) {
        (Goal::Down, State::Inactive) => "stopped",
        _ => style::word(instance),
    };
    let time = match towards(instance, goal) {
        Progress::Pending => Rough(between(instance.since, now)).to_string(),
        Progress::Reached if goal == Goal::Up => {
            instance.took_ms.map(|ms| Rough(Duration::from_millis(ms)).to_string()).unwrap_or_default()
        }
        _ => String::new(),
    };
    let before = 2 + width + 2 + 9 + 2 + 6 + 2;
    let room = size.columns.saturating_sub(before + 1);
    let detail = shorten(&detail(instance, now), room);
    let word_painted = style.paint(paint, &format!("{word:<9}"));
    let text = format!("{} {name:<width$}  {word_painted}  {time:>6}  {detail}", style.paint(paint, mark));
    text.trim_end().to_owned()
}

/// Returns what there is to know about an instance besides its state: what it waits for, what went wrong,
/// what comes next.
pub fn detail(instance: &Instance, now: Timestamp) -> String {
    match instance.state {
        State::Waiting => {
            let waits: Vec<&str> = instance.waits_for.iter().map(|wait| wait.text.as_str()).collect();
            match waits.as_slice() {
                [] => String::new(),
                [one] => format!("for {one}"),
                [first, rest @ ..] => format!("for {first} and {} more", rest.len()),
            }
        }
        State::Backoff => {
            // What comes next stands first: the reason may be cut off on a narrow terminal.
            let mut parts: Vec<String> = next(instance, now).into_iter().collect();
            parts.push(instance.cause.text.clone());
            if instance.failures_in_a_row > 1 {
                parts.push(format!("{} times in a row", instance.failures_in_a_row));
            }
            parts.join(", ")
        }
        State::Starting => match &instance.last_probe {
            Some(seen) => format!("probe: {seen}"),
            None => String::new(),
        },
        State::Scheduled => {
            let last = instance.runs.last().map(|run| tasks::last_run(run, now));
            next(instance, now).into_iter().chain(last).collect::<Vec<_>>().join(", ")
        }
        State::Stopping => next(instance, now).unwrap_or_default(),
        State::Failed | State::Unhealthy => instance.cause.text.clone(),
        State::Inactive | State::Disabled | State::Ready | State::Completed => String::new(),
    }
}

/// Returns the step that time will bring: `starts again in 3.0s`.
fn next(instance: &Instance, now: Timestamp) -> Option<String> {
    let due = instance.due.as_ref()?;
    Some(format!("{} in {}", due.text, Rough(between(now, due.at))))
}

/// Returns the line for an event where nothing can be redrawn; `None` for what is not worth one.
///
/// `instance` is what was known before the event.
pub fn plain(event: &Event, instance: Option<&Instance>) -> Option<String> {
    match &event.happening {
        Happening::Transition { instance: name, to, from, cause } => {
            let kind = instance.map_or(Kind::Service, |instance| instance.kind);
            let took = instance.map(|i| Rough(between(i.since, event.at)).to_string()).unwrap_or_default();
            let words = match to {
                State::Waiting | State::Disabled => return None,
                State::Starting => "starting".to_owned(),
                State::Ready if kind == Kind::Task => "running".to_owned(),
                State::Ready if *from == State::Starting => format!("ready after {took}"),
                State::Ready => "ready".to_owned(),
                State::Unhealthy => format!("unhealthy: {}", cause.text),
                State::Stopping => "stopping".to_owned(),
                State::Inactive if *from == State::Stopping => format!("stopped after {took}"),
                State::Inactive => "stopped".to_owned(),
                State::Backoff => format!("{}; will be started again", cause.text),
                State::Completed => "completed".to_owned(),
                State::Scheduled if *from == State::Ready => format!("ran: {}", cause.text),
                State::Scheduled if *from == State::Inactive => "scheduled".to_owned(),
                State::Scheduled => format!("scheduled: {}", cause.text),
                State::Failed => format!("failed: {}", cause.text),
            };
            Some(format!("{name}: {words}"))
        }
        Happening::Reloaded { instance, failure: None } => Some(format!("{instance}: reloaded")),
        Happening::Reloaded { instance, failure: Some(why) } => {
            Some(format!("{instance}: could not be reloaded: {why}"))
        }
        Happening::FilesChanged { instance, path } => Some(format!("{instance}: `{path}` changed")),
        Happening::Unwatched { instance, reason } => Some(format!("{instance}: {reason}")),
        Happening::LogGap { instance, bytes, reason } => {
            Some(format!("{instance}: {bytes} bytes of output are lost: {reason}"))
        }
        Happening::PlanChanged { .. } => Some("the service file as it is now is in force".to_owned()),
        Happening::RequestEnded { .. } | Happening::Missed { .. } | Happening::Ended { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{ago, cause, event, instance, now, services, waits};
    use crate::control::wire::{CauseKind, Due};
    use jiff::SignedDuration;

    const SIZE: Size = Size { columns: 80, rows: 24 };

    fn shop() -> Board {
        let mut db = instance("db", State::Ready);
        db.took_ms = Some(820);
        let mut migrate = instance("migrate", State::Ready);
        migrate.kind = Kind::Task;
        migrate.since = ago(1_240);
        let mut worker = instance("worker", State::Backoff);
        worker.cause = cause(CauseKind::Exit, "exited with code 3");
        worker.failures_in_a_row = 4;
        let at = now() + SignedDuration::from_millis(3_100);
        worker.due = Some(Due { at, text: "starts again".to_owned() });
        let mut web = instance("web", State::Failed);
        web.cause = cause(CauseKind::SpawnFailed, "executing: No such file or directory (os error 2)");
        let mut cache = instance("cache", State::Starting);
        cache.last_probe = Some("connection refused".to_owned());
        Board::new(services(1, vec![db, migrate, waits("api.0", "migrate"), worker, web, cache]))
    }

    fn names(board: &Board) -> BTreeSet<String> {
        board.instances.iter().map(|instance| instance.name.clone()).collect()
    }

    #[test]
    fn a_line_says_the_state_how_long_and_why() {
        let board = shop();
        let lines = block(&board, &names(&board), Goal::Up, now(), SIZE, Style::PLAIN);
        insta::assert_snapshot!(lines.join("\n"), @"
        ✓ db       ready       820ms
        ▸ migrate  running      1.2s
        · api.0    waiting      2.0s  for migrate to be ready
        ! worker   backoff      2.0s  starts again in 3.1s, exited with code 3, 4 time…
        ✗ web      failed             executing: No such file or directory (os error 2)
        ▸ cache    starting     2.0s  probe: connection refused
        1 of 6 ready
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let board = shop();
        for columns in [20, 40, 60, 80, 200] {
            let size = Size { columns, rows: 24 };
            for line in block(&board, &names(&board), Goal::Up, now(), size, Style { colour: true }) {
                assert!(style::width(&line) <= columns.max(34), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn what_is_wrong_or_under_way_stays_in_sight_when_rows_are_few() {
        let board = shop();
        let size = Size { columns: 80, rows: 7 };
        let text = block(&board, &names(&board), Goal::Up, now(), size, Style::PLAIN).join("\n");
        for name in ["migrate", "worker", "web"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(text.contains("… and 3 more"), "{text}");
        assert!(text.lines().count() <= 7, "{text}");
    }

    #[test]
    fn stopping_says_when_the_kill_comes() {
        let mut api = instance("api", State::Stopping);
        let at = now() + SignedDuration::from_millis(8_000);
        api.due = Some(Due { at, text: "is killed".to_owned() });
        let db = instance("db", State::Inactive);
        let board = Board::new(services(1, vec![db, api]));
        let lines = block(&board, &names(&board), Goal::Down, now(), SIZE, Style::PLAIN);
        insta::assert_snapshot!(lines.join("\n"), @"
        ✓ db   stopped
        ▸ api  stopping     2.0s  is killed in 8.0s
        1 of 2 down
        ");
    }

    #[test]
    fn without_a_terminal_an_event_is_a_line() {
        let before = instance("db", State::Starting);
        assert_eq!(
            plain(&event(1, "db", State::Ready), Some(&before)).as_deref(),
            Some("db: ready after 2.0s")
        );
        assert_eq!(plain(&event(1, "db", State::Waiting), Some(&before)), None);
        assert_eq!(
            plain(&event(1, "db", State::Failed), Some(&before)).as_deref(),
            Some("db: failed: was started")
        );
    }
}
