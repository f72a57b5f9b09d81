//! Answers of a supervisor for the tests of this room.

use jiff::{SignedDuration, Timestamp};

use crate::control::wire::{
    Cause, CauseKind, Event, Groups, Happening, Instance, Kind, Services, State, Wait,
};

/// The present, in tests.
pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a timestamp")
}

/// A moment before the present.
pub(crate) fn ago(ms: i64) -> Timestamp {
    now() - SignedDuration::from_millis(ms)
}

/// A cause with its words.
pub(crate) fn cause(kind: CauseKind, text: &str) -> Cause {
    Cause { kind, text: text.to_owned(), request: None, exit: None, instance: None, failure: None }
}

/// An instance that has been in its state for two seconds.
pub(crate) fn instance(name: &str, state: State) -> Instance {
    Instance {
        name: name.to_owned(),
        service: name.to_owned(),
        kind: Kind::Service,
        description: None,
        labels: Default::default(),
        disabled: false,
        state,
        ready: matches!(state, State::Ready | State::Scheduled | State::Completed),
        wanted: true,
        explicit: true,
        since: ago(2_000),
        cause: cause(CauseKind::Spawned, "was started"),
        pid: matches!(state, State::Ready | State::Starting).then_some(4711),
        invocation: Some(1),
        exit: None,
        restarts: 0,
        failures_in_a_row: 0,
        due: None,
        waits_for: Vec::new(),
        last_probe: None,
        status: None,
        took_ms: None,
        scaled: None,
        unwatched: None,
        unlimited: None,
        next_run: None,
        runs: Vec::new(),
        ports: Vec::new(),
        command: format!("./{name}"),
        log: None,
        stderr_log: None,
    }
}

/// An instance that waits for another one to be ready.
pub(crate) fn waits(name: &str, other: &str) -> Instance {
    let wait = Wait {
        instance: other.to_owned(),
        condition: Some("ready".to_owned()),
        text: format!("{other} to be ready"),
    };
    Instance { waits_for: vec![wait], ..instance(name, State::Waiting) }
}

/// An answer.
pub(crate) fn services(sequence: u64, instances: Vec<Instance>) -> Services {
    Services { project: "shop".to_owned(), sequence, groups: Groups::default(), instances }
}

/// A transition.
pub(crate) fn event(sequence: u64, name: &str, to: State) -> Event {
    let cause = cause(CauseKind::Spawned, "was started");
    let happening = Happening::Transition { instance: name.to_owned(), from: State::Starting, to, cause };
    Event { sequence, at: now(), happening }
}
