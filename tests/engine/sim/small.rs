//! Small graphs, exhaustively: every graph of up to three services and tasks (four with the strictest edges), every kind
//! of edge, and everything that can happen to it in a few steps. After each run the machine behaves, and everything wanted has to get there.
//!
//! `SVC_SIM_DEPTH=N` makes every run N steps longer than what fits in the budget of an ordinary test run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use svc::base::{ExitStatus, Invocation, Moment, Signal, SpawnFailure, Stage};
use svc::engine::{Action, Command, Engine, Event, RequestId};
use svc::graph::plan::{InstanceId, Plan, Readiness, Relation};
use svc::model::policy::{Condition, Kind};

use super::reference::Reference;
use crate::support::plan;

/// What can happen; a launch is answered before anything else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start(InstanceId),
    Stop(InstanceId),
    Restart(InstanceId),
    Exits(Invocation, i32),
    Ready(Invocation),
    SpawnFails(Invocation),
    TimePasses,
}

#[derive(Clone, Copy)]
struct Life {
    instance: InstanceId,
    spawned: bool,
    said_ready: bool,
    dying: bool,
}

/// A run so far; it is cloned wherever runs part.
#[derive(Clone)]
struct Run {
    plan: Arc<Plan>,
    engine: Engine,
    reference: Reference,
    now: Moment,
    lives: BTreeMap<Invocation, Life>,
    requests: u64,
}

impl Run {
    fn new(plan: Arc<Plan>) -> Self {
        Self {
            engine: Engine::new(plan.clone(), 1),
            reference: Reference::new(plan.clone()),
            plan,
            now: Moment::from_millis(1_000),
            lives: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Returns everything that can happen next.
    fn steps(&self) -> Vec<Step> {
        let ids = self.plan.instances().map(|(id, _)| id);
        let mut steps: Vec<Step> =
            ids.flat_map(|id| [Step::Start(id), Step::Stop(id), Step::Restart(id)]).collect();
        for (&invocation, life) in &self.lives {
            if !life.spawned {
                steps.push(Step::SpawnFails(invocation));
            }
            if !life.said_ready && self.plan.service_of(life.instance).kind == Kind::Service {
                steps.push(Step::Ready(invocation));
            }
            steps.extend([Step::Exits(invocation, 0), Step::Exits(invocation, 1)]);
        }
        steps.extend(self.engine.next_deadline().map(|_| Step::TimePasses));
        steps
    }

    fn take(&mut self, step: Step) -> Result<(), String> {
        self.answer_launches(step)?;
        match step {
            Step::Start(id) => self.ask(Command::Start { instances: vec![id], no_deps: false }),
            Step::Stop(id) => self.ask(Command::Stop { instances: vec![id], no_deps: false }),
            Step::Restart(id) => self.ask(Command::Restart { instances: vec![id], no_deps: false }),
            Step::Exits(invocation, code) => self.exits(invocation, ExitStatus::Code(code)),
            Step::Ready(invocation) => self.ready(invocation),
            Step::SpawnFails(_) => Ok(()),
            Step::TimePasses => {
                self.now = self.engine.next_deadline().map_or(self.now, |at| at.max(self.now));
                self.tell(Event::Tick)
            }
        }
    }

    /// Answers every launch that was made; the step says which of them fails.
    fn answer_launches(&mut self, step: Step) -> Result<(), String> {
        let open: Vec<Invocation> =
            self.lives.iter().filter(|(_, life)| !life.spawned).map(|(&invocation, _)| invocation).collect();
        for invocation in open {
            if step == Step::SpawnFails(invocation) {
                self.lives.remove(&invocation);
                let failure = SpawnFailure { stage: Stage::Exec, errno: 2 };
                self.tell(Event::SpawnFailed { invocation, failure })?;
            } else if let Some(life) = self.lives.get_mut(&invocation) {
                life.spawned = true;
                self.tell(Event::Spawned { invocation })?;
            }
        }
        Ok(())
    }

    fn ask(&mut self, command: Command) -> Result<(), String> {
        self.requests += 1;
        self.tell(Event::Command { request: RequestId(self.requests), command })
    }

    fn exits(&mut self, invocation: Invocation, exit: ExitStatus) -> Result<(), String> {
        match self.lives.remove(&invocation) {
            Some(_) => self.tell(Event::Exited { invocation, exit, stragglers: false }),
            None => Ok(()),
        }
    }

    fn ready(&mut self, invocation: Invocation) -> Result<(), String> {
        match self.lives.get_mut(&invocation) {
            Some(life) => life.said_ready = true,
            None => return Ok(()),
        }
        self.tell(Event::Ready { invocation })
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.reference.happened(self.now, &event);
        let actions = self.engine.handle(self.now, event);
        let views = self.engine.snapshot();
        let mut killed = Vec::new();
        for action in actions {
            self.reference.judge(self.now, &action, &views)?;
            match action {
                Action::Launch { instance, invocation } => {
                    let life = Life { instance, spawned: false, said_ready: false, dying: false };
                    self.lives.insert(invocation, life);
                }
                Action::Signal { invocation, signal: Signal::KILL, .. } => killed.push(invocation),
                Action::Signal { invocation, .. } => {
                    if let Some(life) = self.lives.get_mut(&invocation) {
                        life.dying = true;
                    }
                }
                _ => {}
            }
        }
        self.reference.judge_state(&views)?;
        killed.into_iter().try_for_each(|life| self.exits(life, ExitStatus::Signal(Signal::KILL)))
    }

    /// Lets everything obey, get ready and complete, until nothing is left to wait for.
    fn calm_down(&mut self) -> Result<(), String> {
        for _ in 0..200 {
            self.answer_launches(Step::TimePasses)?;
            let next = self.lives.iter().find_map(|(&invocation, life)| {
                let task = self.plan.service_of(life.instance).kind == Kind::Task;
                match (life.dying, task, life.said_ready) {
                    (true, ..) => Some((invocation, Some(ExitStatus::Signal(Signal::TERM)))),
                    (_, true, _) => Some((invocation, Some(ExitStatus::Code(0)))),
                    (_, _, false) => Some((invocation, None)),
                    _ => None,
                }
            });
            match next {
                Some((invocation, Some(exit))) => self.exits(invocation, exit)?,
                Some((invocation, None)) => self.ready(invocation)?,
                None if self.engine.next_deadline().is_some() => self.take(Step::TimePasses)?,
                None => {
                    return self.reference.judge_calm(
                        self.now,
                        jiff::Timestamp::UNIX_EPOCH,
                        &self.engine.snapshot(),
                    );
                }
            }
        }
        Err("stuck: it never comes to rest".to_owned())
    }

    /// Plays everything that can happen in so many steps; returns how many runs that were.
    fn explore(&self, depth: usize, path: &mut Vec<Step>) -> u64 {
        if depth == 0 {
            let calm = self.clone().calm_down();
            assert!(calm.is_ok(), "{calm:?} after {path:?} in {:#?}", self.plan.edges);
            return 1;
        }
        let mut runs = 0;
        for step in self.steps() {
            path.push(step);
            let mut next = self.clone();
            let taken = next.take(step);
            assert!(taken.is_ok(), "{taken:?} after {path:?} in {:#?}", self.plan.edges);
            runs += next.explore(depth - 1, path);
            path.pop();
        }
        runs
    }
}

/// How thoroughly edges are varied.
#[derive(Clone, Copy)]
enum Edges {
    /// Every relation there is.
    All,
    /// One of each that behaves differently.
    Telling,
    /// None, or the strictest.
    Strict,
}

/// Returns every relation to a dependency of a kind; `None` is no edge.
fn relations(kind: Kind, edges: Edges) -> Vec<Option<Relation>> {
    let on = |condition, required, restart| {
        Some(Relation::DependsOn { condition, required, restart, timeout: None })
    };
    let (early, late) = match kind {
        Kind::Service => (Condition::Started, Condition::Ready),
        Kind::Task => (Condition::Completed, Condition::CompletedSuccessfully),
    };
    let mut all = vec![None, Some(Relation::Order), on(late, true, false), on(late, false, false)];
    match edges {
        Edges::Strict => all = vec![None, on(late, true, false)],
        Edges::Telling => all.push(on(early, true, kind == Kind::Service)),
        Edges::All => {
            all.extend([on(late, true, true), on(late, false, true)]);
            all.extend(
                [(true, false), (true, true), (false, false), (false, true)].map(|(r, s)| on(early, r, s)),
            );
        }
    }
    all
}

/// Returns every graph of so many services and tasks in which later ones depend on earlier ones.
fn graphs(count: usize, edges: Edges) -> Vec<Arc<Plan>> {
    let names = ["a", "b", "c", "d"];
    let mut drafts = vec![(plan::plan("small"), Vec::new())];
    for at in 0..count {
        let mut next = Vec::new();
        for (draft, kinds) in drafts {
            for kind in [Kind::Service, Kind::Task] {
                let draft = match kind {
                    Kind::Service => draft.clone().service(names[at]),
                    Kind::Task => draft.clone().task(names[at]),
                };
                let mut linked = vec![draft.rules(|rules| {
                    rules.readiness = Readiness::Announced;
                    rules.stop.grace = Duration::from_secs(1);
                })];
                for (other, &kind) in kinds.iter().enumerate() {
                    let with = |relation: Option<Relation>, draft: &plan::Draft| match relation {
                        Some(relation) => draft.clone().link(names[other], relation),
                        None => draft.clone(),
                    };
                    let all = relations(kind, edges);
                    linked = linked
                        .iter()
                        .flat_map(|d| all.iter().map(|&r| with(r, d)).collect::<Vec<_>>())
                        .collect();
                }
                let mut kinds: Vec<Kind> = kinds.clone();
                kinds.push(kind);
                next.extend(linked.into_iter().map(|draft| (draft, kinds.clone())));
            }
        }
        drafts = next;
    }
    drafts.into_iter().map(|(draft, _)| Arc::new(draft.build())).collect()
}

/// Plays every graph, from nothing and from everything being up; returns how many runs that were.
fn play_all(count: usize, edges: Edges, depth: usize, from_nothing: bool) -> u64 {
    let deeper = super::setting("SVC_SIM_DEPTH").map_or(0, |deeper| deeper as usize);
    let mut runs = 0;
    for plan in graphs(count, edges) {
        let mut run = Run::new(plan.clone());
        if from_nothing {
            runs += run.explore(depth + deeper, &mut Vec::new());
        }
        let all = plan.instances().map(|(id, _)| id).collect();
        run.ask(Command::Start { instances: all, no_deps: false }).expect("a start");
        run.calm_down().expect("everything comes up");
        runs += run.explore(depth + deeper, &mut Vec::new());
    }
    runs
}

#[test]
fn one_service_or_task_keeps_every_invariant_in_all_short_runs() {
    let runs = play_all(1, Edges::All, 6, true);
    assert!(runs > 20_000, "only {runs} runs");
}

#[test]
fn two_services_or_tasks_keep_every_invariant_in_all_short_runs() {
    let runs = play_all(2, Edges::All, 3, true);
    assert!(runs > 20_000, "only {runs} runs");
}

#[test]
fn three_services_or_tasks_keep_every_invariant_in_all_short_runs() {
    let runs = play_all(3, Edges::Telling, 2, false);
    assert!(runs > 20_000, "only {runs} runs");
}

#[test]
fn four_services_or_tasks_keep_every_invariant_in_all_short_runs() {
    let runs = play_all(4, Edges::Strict, 1, false);
    assert!(runs > 10_000, "only {runs} runs");
}
