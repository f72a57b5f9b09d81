//! When a scheduled task runs next: arithmetic on the wall clock, without a look at it.
//!
//! The engine is told what the wall clock shows, and again when it is set or the machine has slept. In
//! between both clocks go at the same pace, so that every time of the calendar is a [`Moment`], and a
//! schedule is one more deadline.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::base::Moment;
use crate::graph::plan::{Schedule, When};

/// A clock that is set back by no more than this repeats no run; by more, it was wrong before.
const REPEATS: SignedDuration = SignedDuration::from_hours(3);

/// What the wall clock shows.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    at: Moment,
    shows: Zoned,
}

impl WallClock {
    /// Makes a clock that shows this at a moment.
    pub(crate) fn new(at: Moment, shows: Zoned) -> Self {
        Self { at, shows }
    }

    /// Returns what it shows at a moment.
    fn shows(&self, moment: Moment) -> Timestamp {
        let shown = self.shows.timestamp();
        let distance = |d: Duration| SignedDuration::try_from(d).unwrap_or(SignedDuration::MAX);
        let moved = if moment >= self.at {
            shown.checked_add(distance(moment.since(self.at)))
        } else {
            shown.checked_sub(distance(self.at.since(moment)))
        };
        moved.unwrap_or(Timestamp::MAX)
    }

    /// Returns when it shows this.
    fn moment_of(&self, time: Timestamp) -> Moment {
        let ahead = time.duration_since(self.shows.timestamp());
        if ahead.is_negative() { self.at - ahead.unsigned_abs() } else { self.at + ahead.unsigned_abs() }
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self { at: Moment::ZERO, shows: Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC) }
    }
}

/// When something falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The moment, as the wall clock goes now.
    pub at: Moment,
    /// The time of the calendar that is meant; `None` for an interval.
    pub wall: Option<Timestamp>,
}

/// When a scheduled task runs next, and when it was to run last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// The next time.
    pub next: Due,
    /// The last time of the calendar that fell due.
    pub last: Option<Timestamp>,
}

impl Timetable {
    /// Makes the timetable of a schedule that comes into force now; `None` at the end of the calendar.
    pub(crate) fn begin(schedule: &Schedule, clock: &WallClock, now: Moment) -> Option<Self> {
        Some(Self { next: next(schedule, clock, now, None, None)?, last: None })
    }

    /// Returns the timetable after its next time has come: what was missed meanwhile stays missed.
    pub(crate) fn advance(self, schedule: &Schedule, clock: &WallClock, now: Moment) -> Option<Self> {
        let last = self.next.wall;
        Some(Self { next: next(schedule, clock, now, Some(self.next), last)?, last })
    }

    /// Returns the timetable by a clock that was set: a time that it has passed is due now.
    pub(crate) fn follow(self, schedule: &Schedule, clock: &WallClock, now: Moment) -> Option<Self> {
        let Some(wall) = self.next.wall else { return Some(self) };
        let at = clock.moment_of(wall);
        if at <= now {
            return Some(Self { next: Due { at, wall: Some(wall) }, ..self });
        }
        Some(Self { next: next(schedule, clock, now, None, self.last)?, ..self })
    }
}

/// Returns the first time after now; after `last` where the clock was set back behind it.
fn next(
    schedule: &Schedule,
    clock: &WallClock,
    now: Moment,
    due: Option<Due>,
    last: Option<Timestamp>,
) -> Option<Due> {
    match &schedule.when {
        When::Every(period) => {
            let planned = due.map(|due| due.at + *period).filter(|&at| at > now);
            Some(Due { at: planned.unwrap_or(now + *period), wall: None })
        }
        When::Cron { line, zone } => {
            let shown = clock.shows(now);
            let repeats = |last: &Timestamp| *last > shown && last.duration_since(shown) <= REPEATS;
            let after = last.filter(repeats).unwrap_or(shown);
            let zone = zone.as_ref().map_or(clock.shows.time_zone(), |zone| zone.zone());
            let wall = line.next(&after.to_zoned(zone.clone()))?.timestamp();
            Some(Due { at: clock.moment_of(wall), wall: Some(wall) })
        }
    }
}
