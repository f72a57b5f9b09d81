//! Events that happened and are not yet acknowledged.
//!
//! Bounded by what the engine itself asked for: a life has three events at most. Signals from outside
//! have a bound of their own.

use std::collections::VecDeque;

use crate::base::Signal;
use crate::guard::protocol::Event;

/// Signals from outside that are kept; further ones change nothing about what the engine will do.
const SIGNALS_MAX: usize = 16;

/// An event at rest: its descriptor is added when it is sent.
pub(super) type Fact = Event<std::convert::Infallible>;

/// Numbered events, oldest first.
#[derive(Default)]
pub(super) struct Events {
    waiting: VecDeque<Fact>,
    /// The number of the last acknowledged event.
    acknowledged: u64,
    signals: usize,
}

impl Events {
    /// Adds an event.
    pub(super) fn push(&mut self, fact: Fact) {
        self.waiting.push_back(fact);
    }

    /// Adds a signal from outside, unless too many wait already.
    pub(super) fn push_signal(&mut self, signal: Signal) {
        if self.signals < SIGNALS_MAX {
            self.signals += 1;
            self.push(Event::SignalReceived { signal });
        }
    }

    /// Returns the number of the last acknowledged event.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Returns the event of this number, when it has happened and waits.
    pub(super) fn get(&self, number: u64) -> Option<&Fact> {
        let index = number.checked_sub(self.acknowledged + 1)?;
        self.waiting.get(usize::try_from(index).ok()?)
    }

    /// Takes the oldest event when its number is `up_to` or less.
    pub(super) fn acknowledge(&mut self, up_to: u64) -> Option<Fact> {
        if self.acknowledged >= up_to {
            return None;
        }
        let fact = self.waiting.pop_front()?;
        self.acknowledged += 1;
        if matches!(fact, Event::SignalReceived { .. }) {
            self.signals -= 1;
        }
        Some(fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Invocation;

    #[test]
    fn an_event_keeps_its_number_until_it_is_acknowledged() {
        let mut events = Events::default();
        for number in 1..=3 {
            events.push(Event::Emptied { invocation: Invocation(number) });
        }
        assert!(events.acknowledge(1).is_some());
        assert!(events.acknowledge(1).is_none(), "acknowledged before");
        assert_eq!(events.get(1), None);
        assert_eq!(events.get(3), Some(&Event::Emptied { invocation: Invocation(3) }));
        assert_eq!(events.get(4), None);
    }

    #[test]
    fn a_storm_of_signals_is_kept_in_part_and_makes_room_when_known() {
        let mut events = Events::default();
        (0..100).for_each(|_| events.push_signal(Signal::TERM));
        assert!(events.get(16).is_some() && events.get(17).is_none());
        while events.acknowledge(u64::MAX).is_some() {}
        events.push_signal(Signal::INT);
        assert_eq!(events.get(17), Some(&Event::SignalReceived { signal: Signal::INT }));
    }
}
