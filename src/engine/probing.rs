//! When the probes of one life are asked, and what a row of answers means.
//!
//! One probe of a service is asked at a time. What a verdict leads to is decided elsewhere.

use std::time::Duration;

use crate::base::Moment;
use crate::graph::plan::{Readiness, Rules};
use crate::probe::{Class, Schedule};

/// The wait between attempts while an answer is urgent, at first and at most.
const EAGER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// The wait between attempts when all is well.
const RELAXED: Duration = Duration::from_secs(10);

/// The probes of one life.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Probes {
    asks: [Option<Ask>; 3],
    in_flight: Option<Class>,
}

/// One probe that is asked again and again.
#[derive(Clone, Debug, PartialEq)]
struct Ask {
    at: Moment,
    wait: Duration,
    failures: u32,
    successes: u32,
}

/// What the answers so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not enough answers in a row.
    Undecided,
    /// Enough successes in a row.
    Passed,
    /// Enough failures in a row.
    Failed,
}

impl Probes {
    /// Returns when the next attempt is due; `None` while one is under way.
    pub(crate) fn due(&self) -> Option<Moment> {
        if self.in_flight.is_some() {
            return None;
        }
        self.asks.iter().flatten().map(|ask| ask.at).min()
    }

    /// Begins asking.
    pub(crate) fn begin(&mut self, class: Class, schedule: &Schedule, now: Moment) {
        let at = now + schedule.delay;
        self.asks[class as usize] = Some(Ask { at, wait: EAGER.0, failures: 0, successes: 0 });
    }

    /// Returns whether a probe is asked.
    pub(crate) fn asks(&self, class: Class) -> bool {
        self.asks[class as usize].is_some()
    }

    /// Stops asking; an answer that is under way will not count.
    pub(crate) fn end(&mut self, class: Class) {
        self.asks[class as usize] = None;
    }

    /// Follows rules that changed during a life: what is still asked, is asked by them.
    pub(crate) fn follow(&mut self, rules: &Rules, up: bool, now: Moment) {
        let readiness = match &rules.readiness {
            Readiness::Probed(schedule) => Some(schedule),
            Readiness::Started | Readiness::Announced => None,
        };
        let started = up && !(rules.startup.is_some() && self.asks(Class::Startup));
        let wanted = [
            (Class::Startup, rules.startup.as_ref().filter(|_| self.asks(Class::Startup))),
            (Class::Readiness, readiness),
            (Class::Liveness, rules.liveness.as_ref().filter(|_| started)),
        ];
        for (class, schedule) in wanted {
            self.end(class);
            if let Some(schedule) = schedule {
                self.begin(class, schedule, now);
            }
        }
    }

    /// Stops asking anything.
    pub(crate) fn end_all(&mut self) {
        self.asks = Default::default();
    }

    /// Takes the attempt that is due, if one is.
    pub(crate) fn take_due(&mut self, now: Moment) -> Option<Class> {
        if self.due()? > now {
            return None;
        }
        const CLASSES: [Class; 3] = [Class::Startup, Class::Readiness, Class::Liveness];
        let class = CLASSES
            .into_iter()
            .filter_map(|class| Some((self.asks[class as usize].as_ref()?.at, class)))
            .min()?
            .1;
        self.in_flight = Some(class);
        Some(class)
    }

    /// Takes note of an answer that nobody wants any more, so that others are asked again.
    pub(crate) fn void(&mut self, class: Class) {
        if self.in_flight == Some(class) {
            self.in_flight = None;
        }
    }

    /// Counts an answer and arms the next attempt; `None` when nobody asked.
    ///
    /// `urgent` says whether something waits for a success: then the attempts follow each other
    /// closely at first.
    pub(crate) fn answer(
        &mut self,
        class: Class,
        passed: bool,
        schedule: &Schedule,
        urgent: bool,
        now: Moment,
    ) -> Option<Verdict> {
        if self.in_flight != Some(class) {
            return None;
        }
        self.in_flight = None;
        let ask = self.asks[class as usize].as_mut()?;
        if passed {
            ask.successes = ask.successes.saturating_add(1);
            ask.failures = 0;
        } else {
            ask.failures = ask.failures.saturating_add(1);
            ask.successes = 0;
        }
        let wait = match schedule.period {
            Some(period) => period,
            None if urgent => {
                let wait = ask.wait;
                ask.wait = wait.mul_f64(1.5).min(EAGER.1);
                wait
            }
            None => RELAXED,
        };
        ask.at = now + wait;
        Some(if passed && ask.successes >= schedule.successes {
            Verdict::Passed
        } else if !passed && ask.failures >= schedule.failures {
            Verdict::Failed
        } else {
            Verdict::Undecided
        })
    }

    /// Makes the attempts of a probe follow each other closely again from the next answer on, or
    /// no longer: a verdict changed.
    pub(crate) fn calm(&mut self, class: Class, schedule: &Schedule, urgent: bool, now: Moment) {
        if let Some(ask) = &mut self.asks[class as usize] {
            ask.wait = EAGER.0;
            let wait = schedule.period.unwrap_or(if urgent { EAGER.0 } else { RELAXED });
            ask.at = now + wait;
        }
    }
}
