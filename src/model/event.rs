//! What event listeners are told of, in the words of supervisord.

use std::fmt;

use crate::diagnostic::Span;

/// An event of supervisord, or a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event(&'static str);

impl Event {
    /// Every event, each behind its family.
    pub const ALL: &[&str] = &[
        "EVENT",
        "PROCESS_STATE",
        "PROCESS_STATE_STARTING",
        "PROCESS_STATE_RUNNING",
        "PROCESS_STATE_BACKOFF",
        "PROCESS_STATE_STOPPING",
        "PROCESS_STATE_EXITED",
        "PROCESS_STATE_STOPPED",
        "PROCESS_STATE_FATAL",
        "PROCESS_STATE_UNKNOWN",
        "PROCESS_LOG",
        "PROCESS_LOG_STDOUT",
        "PROCESS_LOG_STDERR",
        "PROCESS_COMMUNICATION",
        "PROCESS_COMMUNICATION_STDOUT",
        "PROCESS_COMMUNICATION_STDERR",
        "PROCESS_GROUP",
        "PROCESS_GROUP_ADDED",
        "PROCESS_GROUP_REMOVED",
        "REMOTE_COMMUNICATION",
        "SUPERVISOR_STATE_CHANGE",
        "SUPERVISOR_STATE_CHANGE_RUNNING",
        "SUPERVISOR_STATE_CHANGE_STOPPING",
        "TICK",
        "TICK_5",
        "TICK_60",
        "TICK_3600",
    ];

    /// Looks up an event by its name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|known| **known == name).map(|known| Self(known))
    }

    /// Returns whether it is `other`, or the family of it.
    pub fn covers(self, other: Self) -> bool {
        let rest = other.0.strip_prefix(self.0);
        self.0 == "EVENT" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// A service that is told what happens, by the protocol of supervisord's event listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventListener {
    /// What it is told of.
    pub events: Vec<Event>,
    /// How many events are kept until it has time.
    pub buffer: u32,

    /// What the length of an event counts.
    pub length: Length,
    /// Where it is written.
    pub span: Span,
}

/// What the length of an event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Characters, as supervisord does.
    Characters,
    /// Bytes.
    Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_covers_its_events_and_no_others() {
        let event = |name| Event::find(name).expect(name);
        assert!(event("PROCESS_STATE").covers(event("PROCESS_STATE_FATAL")));
        assert!(event("TICK_5").covers(event("TICK_5")));
        assert!(event("EVENT").covers(event("TICK")));
        assert!(!event("PROCESS_STATE_FATAL").covers(event("PROCESS_STATE")));
        assert!(!event("TICK_5").covers(event("TICK_60")));
    }
}
