//! A point in time as the engine sees it.
//!
//! Not `std::time::Instant`: a `Moment` prints, compares across processes of one boot and can be
//! written by hand in a test. Only the runtime turns clocks into moments.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on the machine's monotonic clock, as the time since that clock's zero.
///
/// The clock is `CLOCK_MONOTONIC`: it stands still while the machine sleeps, so that a grace
/// period or a backoff does not run out during suspend, and it goes on when svc's engine is
/// replaced by a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The clock's zero.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Makes the moment that lies `elapsed` after the clock's zero.
    pub const fn since_zero(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Makes the moment that lies `ms` milliseconds after the clock's zero.
    pub const fn from_millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// Returns the time since the clock's zero.
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// Returns how long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// Moves forward; stops at the end of time instead of overflowing.
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    /// Moves back; stops at the clock's zero.
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0.as_secs(), self.0.subsec_millis())
    }
}
