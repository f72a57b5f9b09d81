//! The one place that reads the clocks.
#![expect(clippy::disallowed_methods, reason = "this is the room's clock")]

use jiff::{SignedDuration, Timestamp, Zoned};
use nix::time::{ClockId, clock_gettime};

use crate::base::Moment;

/// Reads `CLOCK_MONOTONIC`, and the wall clock for display.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// Returns the present moment.
    pub fn now(self) -> Moment {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has this clock");
        Moment::since_zero(time.into())
    }

    /// Returns the present wall time.
    pub fn wall(self) -> Timestamp {
        Timestamp::now()
    }

    /// Returns what the wall clock shows, in the machine's time zone.
    pub fn zoned(self) -> Zoned {
        Zoned::now()
    }

    /// Returns how the wall clock is set.
    pub fn setting(self) -> Setting {
        Setting(self.wall().as_duration() - distance(self.now().elapsed()))
    }

    /// Returns the wall time of a moment, as the wall clock stands now.
    pub fn wall_of(self, moment: Moment) -> Timestamp {
        let (now, wall) = (self.now(), self.wall());
        let moved = if moment >= now {
            wall.checked_add(distance(moment.since(now)))
        } else {
            wall.checked_sub(distance(now.since(moment)))
        };
        moved.unwrap_or(wall)
    }

    /// Returns the instant tokio's timer knows a moment by.
    pub fn instant_of(self, moment: Moment) -> tokio::time::Instant {
        tokio::time::Instant::now() + moment.since(self.now())
    }
}

/// How the wall clock is set: what it showed when the monotonic clock began. It stays the same until the
/// clock is set, or the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Setting(SignedDuration);

impl Setting {
    /// Returns whether a clock was set in between; less than this is the time between two looks.
    pub fn differs(self, other: Self) -> bool {
        (self.0 - other.0).abs() > SignedDuration::from_millis(100)
    }
}

fn distance(d: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(d).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_an_hour_away_is_an_hour_away_on_the_wall() {
        let clock = Clock;
        let hour = Duration::from_secs(3600);
        let ahead = clock.wall_of(clock.now() + hour).duration_since(clock.wall());
        let behind = clock.wall().duration_since(clock.wall_of(clock.now() - hour));
        for distance in [ahead, behind] {
            assert!((3599..=3601).contains(&distance.as_secs()), "{distance:?}");
        }
    }
}
