//! The client's picture of a project: the last answer of the supervisor, kept up by events.
//!
//! Pure. An event brings the state and its cause; what only an answer holds (what is waited for, when the
//! next attempt is) is asked for again by whoever needs it, so [`Board::apply`] says when it got stale.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::wire::{Event, Happening, Instance, Kind, RunResult, Services, State};

/// How many failed attempts in a row are a failure, even if svc goes on trying.
pub const ATTEMPTS: u32 = 5;

/// A project as it is now, as far as is known.
#[derive(Clone, Debug)]
pub struct Board {
    /// Every instance, in the order of the service file.
    pub instances: Vec<Instance>,
    /// Where each of them stands in the list.
    positions: BTreeMap<String, usize>,
    /// The last event that is contained.
    sequence: u64,
}

/// What somebody waits for instances to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Ready; a task completed.
    Up,
    /// Not running.
    Down,
    /// Ended well.
    Completed,
}

/// How far an instance is on its way to a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is there.
    Reached,
    /// It is on its way.
    Pending,
    /// It will not get there by itself.
    Missed,
}

impl Board {
    /// Starts from an answer.
    pub fn new(services: Services) -> Self {
        let instances = services.instances;
        let positions =
            instances.iter().enumerate().map(|(at, instance)| (instance.name.clone(), at)).collect();
        Self { instances, positions, sequence: services.sequence }
    }

    /// Takes an event in; older ones than the last answer change nothing. Returns whether it did.
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.sequence <= self.sequence {
            return false;
        }
        self.sequence = event.sequence;
        let Happening::Transition { instance: name, to, cause, .. } = &event.happening else { return false };
        let Some(&at) = self.positions.get(name) else { return false };
        let instance = &mut self.instances[at];
        instance.state = *to;
        instance.since = event.at;
        instance.cause = cause.clone();
        instance.ready = matches!(to, State::Ready | State::Scheduled | State::Completed);
        instance.due = None;
        if let Some(exit) = &cause.exit {
            instance.exit = Some(exit.clone());
        }
        if *to != State::Waiting {
            instance.waits_for.clear();
        }
        true
    }

    /// Returns the last event that is contained.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Finds an instance and its position.
    pub fn find(&self, name: &str) -> Option<(usize, &Instance)> {
        let at = *self.positions.get(name)?;
        Some((at, &self.instances[at]))
    }

    /// Returns `names` and what they wait for now, directly or through others.
    pub fn concerned(&self, names: &[String]) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut queue: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(name) = queue.pop() {
            if let (true, Some((_, instance))) = (found.insert(name.to_owned()), self.find(name)) {
                queue.extend(instance.waits_for.iter().map(|wait| wait.instance.as_str()));
            }
        }
        found
    }

    /// Returns those of `names`, and of what they wait for, that have failed for good or again and again.
    pub fn hopeless(&self, names: &[String]) -> Vec<String> {
        let concerned = self.concerned(names);
        let bad = |instance: &&Instance| match instance.state {
            State::Failed => true,
            State::Backoff | State::Starting | State::Unhealthy => instance.failures_in_a_row >= ATTEMPTS,
            _ => false,
        };
        let instances = self.instances.iter().filter(|instance| concerned.contains(&instance.name));
        instances.filter(bad).map(|instance| instance.name.clone()).collect()
    }

    /// Returns whether every one of `names` is where it should be.
    pub fn all(&self, names: &[String], goal: Goal) -> bool {
        names.iter().all(|name| {
            self.find(name).is_some_and(|(_, instance)| towards(instance, goal) == Progress::Reached)
        })
    }

    /// Returns whether nothing runs or is about to.
    pub fn settled(&self) -> bool {
        self.instances.iter().all(|instance| {
            matches!(instance.state, State::Inactive | State::Disabled | State::Completed | State::Failed)
        })
    }
}

/// Returns how far an instance is on its way.
pub fn towards(instance: &Instance, goal: Goal) -> Progress {
    let up = match instance.kind {
        Kind::Task => State::Completed,
        Kind::Service => State::Ready,
    };
    match (goal, instance.state) {
        (Goal::Up, state) if state == up => Progress::Reached,
        (Goal::Up, State::Scheduled) => Progress::Reached,
        // A scheduled task is up while it runs, too.
        (Goal::Up, State::Ready) if instance.next_run.is_some() => Progress::Reached,
        (Goal::Completed, State::Scheduled)
            if instance.runs.last().is_some_and(|run| run.result == RunResult::Succeeded) =>
        {
            Progress::Reached
        }
        (Goal::Up | Goal::Completed, State::Completed) => Progress::Reached,
        (Goal::Up | Goal::Completed, State::Failed) => Progress::Missed,
        (Goal::Down, State::Inactive | State::Disabled | State::Completed | State::Failed) => {
            Progress::Reached
        }
        _ => Progress::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{event, instance, services, waits};

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn an_event_that_the_answer_contains_already_changes_nothing() {
        let mut board = Board::new(services(7, vec![instance("db", State::Ready)]));
        assert!(!board.apply(&event(7, "db", State::Failed)));
        assert_eq!(board.instances[0].state, State::Ready);
        assert!(board.apply(&event(8, "db", State::Failed)));
        assert_eq!(board.instances[0].state, State::Failed);
    }

    #[test]
    fn what_is_waited_for_counts_and_what_is_unrelated_does_not() {
        let mut db = instance("db", State::Backoff);
        db.failures_in_a_row = ATTEMPTS;
        let unrelated = instance("other", State::Failed);
        let board = Board::new(services(1, vec![db, unrelated, waits("api", "db")]));
        assert_eq!(board.hopeless(&names(&["api"])), ["db"]);
    }

    #[test]
    fn four_attempts_are_not_hopeless_yet() {
        let mut db = instance("db", State::Backoff);
        db.failures_in_a_row = ATTEMPTS - 1;
        let board = Board::new(services(1, vec![db]));
        assert!(board.hopeless(&names(&["db"])).is_empty());
    }

    #[test]
    fn a_task_is_up_when_it_has_completed_not_while_it_runs() {
        let mut task = instance("migrate", State::Ready);
        task.kind = Kind::Task;
        assert_eq!(towards(&task, Goal::Up), Progress::Pending);
        task.state = State::Completed;
        assert_eq!(towards(&task, Goal::Up), Progress::Reached);
    }
}
