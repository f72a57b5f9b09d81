//! The one place that reads the clocks.
#![expect(clippy::disallowed_methods, reason = "this is the room's clock")]

use jiff::{SignedDuration, Timestamp};
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

    /// Returns the wall time of a moment, as the wall clock stands now.
    pub fn wall_of(self, moment: Moment) -> Timestamp {
        let (now, wall) = (self.now(), self.wall());
        let distance = |d: std::time::Duration| SignedDuration::try_from(d).unwrap_or(SignedDuration::MAX);
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
