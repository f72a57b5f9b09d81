//! When a task runs by itself.

use std::time::Duration;

use crate::base::{Cron, Zone};

/// When a task runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When.
    pub when: When,
    /// What happens when the run before has not ended.
    pub overlap: Overlap,
    /// Whether it also runs when svc starts.
    pub run_on_start: bool,
}

/// When something recurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// By the calendar.
    Cron {
        /// The times.
        line: Cron,
        /// The zone they are meant in; `None` for the machine's.
        zone: Option<Zone>,
    },
    /// This long after the start before.
    Every(Duration),
}

/// What happens when it is time and the run before has not ended: a task never runs twice at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// This time is left out.
    Skip,
    /// It runs once as soon as the other has ended, however many times have passed.
    Queue,
    /// The other is stopped first.
    Replace,
}
