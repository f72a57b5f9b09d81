//! Runs in which nothing fails: how long they take and what exactly is done can be worked out beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use svc::base::{ExitStatus, Invocation, Moment, Signal};
use svc::engine::{Action, Command, Engine, Event, RequestId};
use svc::graph::plan::{InstanceId, Plan, Readiness, Relation};
use svc::model::policy::{Condition, Kind, RestartWhen};

use super::world;

const BEGIN: Moment = Moment::from_millis(1_000);

/// A machine on which everything takes as long as it takes and nothing fails.
struct Calm {
    plan: Arc<Plan>,
    engine: Engine,
    now: Moment,
    /// How long each instance takes from its launch to ready, a task to its end.
    takes: Vec<Duration>,
    lives: BTreeMap<Invocation, InstanceId>,
    future: BTreeSet<(Moment, Invocation, bool)>,
    launched: Vec<InstanceId>,
    stopped: Vec<InstanceId>,
    done: Vec<RequestId>,
}

impl Calm {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let services = random.usize(1..=6);
        let mut plan = world::random_plan(&mut random, services);
        for service in &mut plan.services {
            let readiness = if random.bool() { Readiness::Started } else { Readiness::Announced };
            let rules = Arc::make_mut(&mut service.rules);
            (rules.readiness, rules.startup, rules.liveness, rules.timeout) = (readiness, None, None, None);
            rules.start_timeout = Duration::from_secs(3_600);
            rules.restart.when = RestartWhen::OnFailure;
            rules.stop.command = false;
            // What comes of itself has no longest path.
            rules.schedule = None;
        }
        for edge in &mut plan.edges {
            if let Relation::DependsOn { timeout, .. } = &mut edge.relation {
                *timeout = None;
            }
        }
        let takes = plan
            .instances()
            .map(|(id, _)| match (plan.service_of(id).kind, plan.rules(id).readiness) {
                (Kind::Service, Readiness::Started) => Duration::ZERO,
                _ => Duration::from_millis(random.u64(0..30_000)),
            })
            .collect();
        let plan = Arc::new(plan);
        Self {
            engine: Engine::new(plan.clone(), seed),
            plan,
            now: BEGIN,
            takes,
            lives: BTreeMap::new(),
            future: BTreeSet::new(),
            launched: Vec::new(),
            stopped: Vec::new(),
            done: Vec::new(),
        }
    }

    fn all(&self) -> Vec<InstanceId> {
        self.plan.instances().map(|(id, _)| id).collect()
    }

    /// Asks for something and lets the machine go on until nothing is under way.
    fn ask(&mut self, request: u64, command: Command) {
        self.tell(Event::Command { request: RequestId(request), command });
        while let Some((at, invocation, ends)) = self.future.pop_first() {
            self.now = at;
            if !self.lives.contains_key(&invocation) {
                continue;
            }
            let event = if ends {
                self.lives.remove(&invocation);
                Event::Exited { invocation, exit: ExitStatus::Code(0), stragglers: false }
            } else {
                Event::Ready { invocation }
            };
            self.tell(event);
        }
        assert!(self.done.contains(&RequestId(request)), "request {request} is not done");
    }

    fn tell(&mut self, event: Event) {
        for action in self.engine.handle(self.now, event) {
            match action {
                Action::Launch { instance, invocation } => {
                    self.launched.push(instance);
                    self.lives.insert(invocation, instance);
                    let ends = self.plan.service_of(instance).kind == Kind::Task;
                    self.future.insert((self.now + self.takes[instance.0 as usize], invocation, ends));
                    self.tell(Event::Spawned { invocation });
                }
                Action::Signal { invocation, signal, .. } => {
                    assert_ne!(signal, Signal::KILL, "everything obeys");
                    self.stopped.push(self.lives[&invocation]);
                    self.future.insert((self.now, invocation, true));
                }
                Action::RequestEnded { request, .. } => self.done.push(request),
                _ => {}
            }
        }
    }

    /// Returns when each instance is there, by the longest path over what it waits for.
    fn critical_paths(&self) -> Vec<Duration> {
        let mut there = vec![Duration::ZERO; self.takes.len()];
        let mut begins = there.clone();
        // Every path has fewer edges than there are instances.
        for _ in 0..=self.takes.len() {
            for edge in &self.plan.edges {
                let (from, to) = (edge.dependency.0 as usize, edge.dependent.0 as usize);
                let met = match edge.relation {
                    Relation::DependsOn { condition: Condition::Started, .. } => begins[from],
                    _ => there[from],
                };
                begins[to] = begins[to].max(met);
            }
            for (at, takes) in self.takes.iter().enumerate() {
                there[at] = begins[at] + *takes;
            }
        }
        there
    }

    /// Returns these and, transitively, what requires them and is not a completed task.
    fn with_dependents(&self, named: &BTreeSet<InstanceId>) -> BTreeSet<InstanceId> {
        let mut all = named.clone();
        loop {
            let before = all.len();
            for edge in &self.plan.edges {
                if matches!(edge.relation, Relation::DependsOn { required: true, .. })
                    && all.contains(&edge.dependency)
                    && self.plan.service_of(edge.dependent).kind == Kind::Service
                {
                    all.insert(edge.dependent);
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }
}

#[test]
fn everything_is_ready_as_soon_as_the_longest_path_allows() {
    for seed in 0..1_000 {
        let mut calm = Calm::new(seed);
        calm.ask(1, Command::Start { instances: calm.all(), no_deps: false });
        let paths = calm.critical_paths();
        for (view, path) in calm.engine.snapshot().iter().zip(&paths) {
            assert_eq!(view.since, BEGIN + *path, "seed {seed}: {view:?}");
        }
        let longest = paths.iter().max().expect("an instance");
        assert_eq!(calm.now, BEGIN + *longest, "seed {seed}");
        assert_eq!(calm.launched.len(), paths.len(), "seed {seed}: each is launched once");
    }
}

#[test]
fn a_restart_by_hand_stops_and_starts_exactly_once_what_it_should() {
    for seed in 0..1_000 {
        let mut calm = Calm::new(seed);
        calm.ask(1, Command::Start { instances: calm.all(), no_deps: false });
        let mut random = fastrand::Rng::with_seed(seed);
        let no_deps = random.u32(0..4) == 0;
        let mut named: BTreeSet<InstanceId> = calm.all().into_iter().collect();
        named.retain(|_| random.bool());
        let expected = if no_deps { named.clone() } else { calm.with_dependents(&named) };
        (calm.launched, calm.stopped) = (Vec::new(), Vec::new());
        calm.ask(2, Command::Restart { instances: named.iter().copied().collect(), no_deps });
        calm.launched.sort();
        calm.stopped.sort();
        let expected: Vec<InstanceId> = expected.into_iter().collect();
        let service = |id: &InstanceId| calm.plan.service_of(*id).kind == Kind::Service;
        let alive: Vec<InstanceId> = expected.iter().copied().filter(service).collect();
        assert_eq!(calm.launched, expected, "seed {seed}: {named:?} was named, no_deps {no_deps}");
        assert_eq!(calm.stopped, alive, "seed {seed}: {named:?} was named, no_deps {no_deps}");
    }
}

#[test]
fn a_start_without_dependencies_launches_what_is_named_at_once() {
    for seed in 0..1_000 {
        let mut calm = Calm::new(seed);
        let mut named = calm.all();
        let mut random = fastrand::Rng::with_seed(seed);
        named.retain(|_| random.u32(0..3) == 0);
        // What orders it is waited for all the same: it is on its way up too.
        let ordered = |id: &InstanceId| {
            calm.plan.edges.iter().any(|e| e.dependent == *id && named.contains(&e.dependency))
        };
        let at_once: Vec<InstanceId> = named.iter().copied().filter(|id| !ordered(id)).collect();
        calm.tell(Event::Command {
            request: RequestId(1),
            command: Command::Start { instances: named.clone(), no_deps: true },
        });
        assert!(at_once.iter().all(|id| calm.launched.contains(id)), "seed {seed}: {:?}", calm.launched);
        assert!(calm.launched.iter().all(|id| named.contains(id)), "seed {seed}: {:?}", calm.launched);
    }
}
