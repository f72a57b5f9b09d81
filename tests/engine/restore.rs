//! What it costs to make an engine anew: work is counted, never timed.

use std::cell::Cell;
use std::slice::Iter;
use std::sync::Arc;

use svc::base::{Invocation, Moment};
use svc::engine::{Action, Command, Engine, Event, Record, RequestId};
use svc::graph::InstanceId;

use crate::support::plan;

/// A slice that counts how often one of it is looked at, in all passes over it together.
#[derive(Clone)]
struct Counted<'a, T> {
    all: Iter<'a, T>,
    looks: &'a Cell<usize>,
}

impl<'a, T> Iterator for Counted<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let next = self.all.next();
        self.looks.set(self.looks.get() + usize::from(next.is_some()));
        next
    }
}

/// Takes over so many living replicas; returns how often a record or a life was looked at.
fn looks_at(count: u32) -> usize {
    let now = Moment::from_millis(1_000);
    let plan = Arc::new(plan::plan("many").service("a").replicas(count).build());
    let mut engine = Engine::new(plan.clone(), 1);
    let all: Vec<InstanceId> = (0..count).map(InstanceId).collect();
    let command = Command::Start { instances: all.clone(), no_deps: false };
    let launches = engine.handle(now, Event::Command { request: RequestId(1), command });
    assert!(launches.iter().any(|action| matches!(action, Action::Launch { .. })));
    let records: Vec<(InstanceId, Record)> = all.iter().map(|&id| (id, engine.record(id))).collect();
    let known: Vec<(InstanceId, Invocation)> =
        all.iter().map(|&id| (id, engine.view(id).invocation.expect("it was launched"))).collect();
    let looks = Cell::new(0);
    let records = Counted { all: records.iter(), looks: &looks };
    let known = Counted { all: known.iter(), looks: &looks };
    let next = engine.next_invocation();
    let mut restored = Engine::restore(plan, 1, now, next, records, known, None);
    let actions = restored.handle(now, Event::Tick);
    assert!(actions.iter().all(|action| matches!(action, Action::Notice(_))), "{actions:?}");
    looks.get()
}

#[test]
fn a_take_over_looks_at_each_record_and_each_life_twice_however_many_there_are() {
    for count in [1, 10, 100, 2_000] {
        assert_eq!(looks_at(count), 4 * count as usize, "with {count} replicas");
    }
}
