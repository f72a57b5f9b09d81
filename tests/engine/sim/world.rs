//! One run: a random plan, a random operator, and the loop between engine, machine and reference.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use svc::base::{Cron, Invocation, Moment, Signal};
use svc::engine::{Action, Command, Engine, Event, NewPlan, Record, RequestId, Scope, StateName, View};
use svc::graph::Change;
use svc::graph::plan::{Extras, InstanceId, LivenessFailure, Overlap, Plan, Readiness, Relation, When};
use svc::model::policy::{Condition, Kind, RestartWhen};
use svc::probe::Schedule;

use super::kernel::Kernel;
use super::reference::Reference;
use crate::support::plan;

/// How much is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) services: usize,
    pub(super) steps: usize,
}

impl Size {
    /// The size that belongs to a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self { services: random.usize(1..=6), steps: random.usize(10..=60) }
    }
}

/// A flaw planted between the engine and the world: a lie that makes a sound engine behave as a
/// flawed one would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// What an earlier life said is taken for the current one's word.
    LateAnswer,
    /// Dependencies are waited for only until their process is there.
    IgnoredCondition,
    /// Every dependency is soft.
    DependentsLeftUp,
    /// The kill of a stop comes although that stop is over.
    OldKillTimer,
    /// A failed launch is not heard of.
    ForgottenSpawnFailure,
    /// Every delay is zero.
    NoBackoff,
    /// Replicas are replaced all at once.
    RollAtOnce,
}

/// One run.
pub(super) struct World {
    random: fastrand::Rng,
    plan: Arc<Plan>,
    engine: Engine,
    kernel: Kernel,
    reference: Reference,
    journal: BTreeMap<InstanceId, Record>,
    flaw: Option<Flaw>,
    /// Whether the operator says `--no-deps` now and then.
    loose: bool,
    /// Decides when the plan is changed and into what; `None` where it never is.
    changes: Option<fastrand::Rng>,
    /// Decides what is reloaded and when; `None` where nothing ever is.
    reloads: Option<fastrand::Rng>,
    /// Decides which watched files change and when; `None` where nothing is watched.
    edits: Option<fastrand::Rng>,
    /// How late the engine may be called, in milliseconds.
    lag: u64,
    /// Kills that an engine with kill timers beside its states would still have armed.
    old_kills: BTreeMap<Moment, InstanceId>,
    steps: usize,
    now: Moment,
    /// What the wall clock showed when the monotonic one began.
    wall: Timestamp,
    requests: u64,
    count: u64,
    /// Everything that happened, for a person.
    pub(super) history: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, size: Size, flaw: Option<Flaw>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut plan = random_plan(&mut random, size.services);
        let edits = seed % 4 == 2;
        if edits {
            watch_some(&mut plan, &mut fastrand::Rng::with_seed(seed ^ 0x3a7c4));
        }
        let told = Arc::new(flawed(&plan, flaw));
        let loose = random.u32(0..4) == 0;
        let lag = [300, 300, 300, 20_000][random.usize(0..4)];
        let plan = Arc::new(plan);
        Self {
            engine: Engine::new(told, seed),
            kernel: Kernel::new(seed),
            reference: Reference::new(plan.clone()),
            journal: BTreeMap::new(),
            flaw,
            loose,
            changes: (seed % 2 == 1 && flaw.is_none()).then(|| fastrand::Rng::with_seed(seed ^ 0xc4a6e)),
            reloads: (seed % 4 == 1).then(|| fastrand::Rng::with_seed(seed ^ 0x4e10a)),
            edits: edits.then(|| fastrand::Rng::with_seed(seed ^ 0xed175)),
            lag,
            old_kills: BTreeMap::new(),
            steps: size.steps,
            now: Moment::from_millis(1_000),
            wall: "2026-03-28T20:00:00Z".parse().expect("a time"),
            requests: 0,
            count: 0,
            history: Vec::new(),
            plan,
            random,
        }
    }

    /// The plan, for a person.
    pub(super) fn plan_lines(&self) -> Vec<String> {
        let services = self.plan.services.iter().map(|s| format!("{} {:?} {:?}", s.name, s.kind, s.rules));
        let edge = |e: &svc::graph::Edge| format!("{:?} -> {:?} {:?}", e.dependent, e.dependency, e.relation);
        services.chain(self.plan.edges.iter().map(edge)).collect()
    }

    /// Plays the whole run; returns how many events it had.
    pub(super) fn play(&mut self) -> Result<u64, String> {
        self.tell_clock()?;
        for _ in 0..self.steps {
            match self.random.u32(0..10) {
                0..4 => self.ask()?,
                4 if self.random.bool() && !self.reference.over => self.take_over()?,
                5 => self.extend()?,
                6 if self.random.u32(0..8) == 0 => self.jump()?,
                6 if self.random.clone().u32(0..4) == 0 => self.set_clock()?,
                7 | 8 => self.apply()?,
                _ => {}
            }
            self.reload()?;
            self.edit()?;
            let pause = Duration::from_millis(self.random.u64(0..4_000));
            self.run_until(self.now + pause)?;
        }
        self.kernel.benign = true;
        self.run_until(self.now + Duration::from_secs(600))?;
        let views = self.engine.snapshot();
        if !self.reference.over {
            self.reference.judge_calm(self.now, self.shows(), &views)?;
            self.shut_down(false)?;
            self.run_until(self.now + Duration::from_secs(600))?;
        }
        if !self.reference.over {
            return Err(format!("the shutdown is stuck: {:?}", self.engine.snapshot()));
        }
        Ok(self.count)
    }

    fn ask(&mut self) -> Result<(), String> {
        let count = self.plan.instances.len() as u32;
        let mut instances: Vec<InstanceId> = (0..count).map(InstanceId).collect();
        instances.retain(|_| self.random.u32(0..2) == 0);
        let no_deps = self.loose && self.random.bool();
        let kill = self.random.u32(0..4) == 0;
        let command = match self.random.u32(0..40) {
            0..4 => Command::Run { instances, no_deps },
            4..20 => Command::Start { instances, no_deps },
            20..30 => Command::Stop { instances, no_deps },
            30..39 => Command::Restart { instances, no_deps },
            _ => return self.shut_down(kill),
        };
        self.request(command)
    }

    /// Puts another plan in force, which has much in common with the one before.
    fn apply(&mut self) -> Result<(), String> {
        let Some(random) = &mut self.changes else { return Ok(()) };
        if random.bool() {
            return Ok(());
        }
        let count = random.usize(1..=6);
        let mut plan = random_plan(random, count);
        for new in &mut plan.services {
            let old = self.plan.services.iter().find(|old| old.name == new.name);
            if let Some(old) = old.filter(|old| old.kind == new.kind && random.u32(0..4) != 0) {
                new.rules = old.rules.clone();
            }
        }
        for instance in &mut plan.instances {
            if random.u32(0..4) == 0 {
                let program = ["one", "two"][random.usize(0..2)].to_owned();
                Arc::make_mut(&mut instance.launch).argv = vec![program.into()];
            }
        }
        let mut start: Vec<InstanceId> = plan.instances().map(|(id, _)| id).collect();
        start.retain(|_| random.bool());
        let rollback = random.bool();
        self.request(Command::Apply(Arc::new(NewPlan { plan: Arc::new(plan), start, rollback })))
    }

    /// Has configurations read again: of half of the replicas by being replaced, of others by being told.
    fn reload(&mut self) -> Result<(), String> {
        let Some(random) = &mut self.reloads else { return Ok(()) };
        if random.u32(0..4) != 0 {
            return Ok(());
        }
        let (mut told, mut rolled) = (Vec::new(), Vec::new());
        for (id, _) in self.plan.instances() {
            let service = self.plan.service_of(id);
            match (service.instances.len() > 1 && service.kind == Kind::Service, random.u32(0..4)) {
                (true, 1..) => rolled.push(id),
                (false, 0) => told.push(id),
                _ => {}
            }
        }
        self.request(Command::Reload { told, rolled })
    }

    /// Changes watched files: now and then the same ones again and again, as a service does that writes its own.
    fn edit(&mut self) -> Result<(), String> {
        let Some(random) = &mut self.edits else { return Ok(()) };
        if random.u32(0..3) != 0 {
            return Ok(());
        }
        let instance = InstanceId(random.u32(0..self.plan.instances.len() as u32));
        let times = if random.u32(0..4) == 0 { 8 } else { 1 };
        for _ in 0..times {
            if !self.reference.over {
                self.tell(Event::FilesChanged { instance, path: "src".into() })?;
                self.run_until(self.now + Duration::from_millis(400))?;
            }
        }
        Ok(())
    }

    fn shut_down(&mut self, kill: bool) -> Result<(), String> {
        self.request(Command::Shutdown { kill })
    }

    fn request(&mut self, command: Command) -> Result<(), String> {
        if self.reference.over {
            return Ok(());
        }
        self.requests += 1;
        self.tell(Event::Command { request: RequestId(self.requests), command })
    }

    fn extend(&mut self) -> Result<(), String> {
        let lives: Vec<Invocation> = self.kernel.processes.keys().copied().collect();
        match self.random.choice(lives) {
            Some(invocation) => self.tell(Event::ExtendTimeout { invocation, by: Duration::from_secs(2) }),
            None => Ok(()),
        }
    }

    /// What the wall clock shows.
    fn shows(&self) -> Timestamp {
        self.wall + self.now.elapsed()
    }

    fn tell_clock(&mut self) -> Result<(), String> {
        self.tell(Event::Clock { shows: self.shows().to_zoned(jiff::tz::TimeZone::UTC) })
    }

    /// The wall clock is set, by a bit or by days, forward or back.
    fn set_clock(&mut self) -> Result<(), String> {
        let mut random = self.random.clone();
        let by = Duration::from_secs([1, 90, 7_200, 200_000][random.usize(0..4)]);
        self.wall = if random.bool() { self.wall + by } else { self.wall - by };
        self.tell_clock()
    }

    /// Hours pass at once, as after a suspended machine: everything that was due is due now.
    fn jump(&mut self) -> Result<(), String> {
        self.now = self.now + Duration::from_secs(self.random.u64(600..36_000));
        self.tell(Event::Tick)
    }

    /// Lets the machine and the deadlines go on until a moment; now and then the engine is late.
    fn run_until(&mut self, end: Moment) -> Result<(), String> {
        let mut rounds = 0;
        loop {
            let deadline = self.engine.next_deadline().map(|at| at.max(self.now));
            let event = self.kernel.future.first_key_value().map(|(&(at, _), _)| at);
            let kill = self.old_kills.first_key_value().map(|(&at, _)| at);
            let Some(next) = [deadline, event, kill].into_iter().flatten().min() else { break };
            if next > end {
                break;
            }
            rounds += 1;
            if rounds > 4_000 {
                return Err("stuck: it never comes to rest".to_owned());
            }
            self.now = self.now.max(next);
            if self.random.u32(0..20) == 0 {
                self.now = self.now + Duration::from_millis(self.random.u64(0..self.lag));
            }
            if kill == Some(next) {
                self.fire_old_kill()?;
            } else if event == Some(next) {
                let (_, event) = self.kernel.next().expect("it was seen");
                self.tell(event)?;
            } else {
                self.tell(Event::Tick)?;
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.count += 1;
        self.history.push(format!("{} {event:?}", self.now));
        self.reference.happened(self.now, &event);
        let Some(event) = self.distort(event) else { return Ok(()) };
        let before = self.engine.snapshot();
        let actions = self.engine.handle(self.now, event);
        let after = self.engine.snapshot();
        let changed = |action: &Action| matches!(action, Action::PlanChanged { .. });
        for (at, action) in actions.iter().enumerate() {
            self.history.push(format!("    {action:?}"));
            // What is done before a change of the plan is said in the words of the plan before.
            let views: &[View] = match (actions[..at].iter().any(changed), actions[at..].iter().any(changed))
            {
                (_, false) => &after,
                (false, true) => &before,
                (true, true) => &[],
            };
            self.reference.judge(self.now, action, views)?;
            self.carry_out(action.clone());
        }
        for id in self.engine.take_changed() {
            self.journal.insert(id, self.engine.record(id));
        }
        self.reference.judge_state(&after)
    }

    /// Takes another plan's names for what is known by place.
    fn change_plan(&mut self, plan: &Arc<Plan>, change: &Change) {
        let place = |id: InstanceId| change.after[id.0 as usize];
        self.plan = Arc::clone(plan);
        let journal = std::mem::take(&mut self.journal);
        self.journal = journal.into_iter().filter_map(|(id, record)| Some((place(id)?, record))).collect();
        self.kernel.processes.retain(|_, process| match place(process.instance) {
            Some(id) => {
                process.instance = id;
                true
            }
            None => false,
        });
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Launch { instance, invocation } => {
                let task = self.plan.service_of(instance).kind == Kind::Task;
                self.kernel.launch(self.now, instance, invocation, task);
            }
            Action::Signal { invocation, signal, scope } => {
                if self.flaw == Some(Flaw::OldKillTimer)
                    && signal != Signal::KILL
                    && let Some(process) = self.kernel.processes.get(&invocation)
                {
                    let id = process.instance;
                    self.old_kills.insert(self.now + self.plan.rules(id).stop.grace, id);
                }
                self.kernel.signal(self.now, invocation, signal, scope);
            }
            Action::StopCommand { invocation, .. } => self.kernel.stop_command(self.now, invocation),
            Action::Reload { invocation, .. } => self.kernel.reload(self.now, invocation),
            Action::Probe { invocation, class, .. } => self.kernel.probe(self.now, invocation, class),
            Action::PlanChanged { plan, change } => self.change_plan(&plan, &change),
            Action::WatchPaused { .. }
            | Action::Notice(_)
            | Action::RequestEnded { .. }
            | Action::End { .. } => {}
        }
    }

    /// Tells the engine what a flawed one would make of an event.
    fn distort(&mut self, event: Event) -> Option<Event> {
        match (self.flaw, event) {
            (Some(Flaw::ForgottenSpawnFailure), Event::SpawnFailed { .. }) => None,
            (Some(Flaw::LateAnswer), Event::Ready { invocation }) => {
                let of = |view: &View| view.invocation;
                let known = self.engine.snapshot();
                let current = known.iter().any(|view| of(view) == Some(invocation));
                let other = known.iter().filter(|view| view.state == StateName::Starting).find_map(of);
                let invocation = if current { invocation } else { other.unwrap_or(invocation) };
                Some(Event::Ready { invocation })
            }
            (Some(Flaw::RollAtOnce), Event::Command { request, command: Command::Reload { rolled, .. } }) => {
                let command = Command::Restart { instances: rolled, no_deps: true };
                Some(Event::Command { request, command })
            }
            (_, event) => Some(event),
        }
    }

    fn fire_old_kill(&mut self) -> Result<(), String> {
        let (_, id) = self.old_kills.pop_first().expect("it was seen");
        let view = self.engine.view(id);
        if view.state == StateName::Stopping
            && let Some(invocation) = view.invocation
        {
            let kill = Action::Signal { invocation, signal: Signal::KILL, scope: Scope::Everything };
            self.reference.judge(self.now, &kill, &self.engine.snapshot())?;
            self.carry_out(kill);
        }
        Ok(())
    }

    /// Kills the engine and makes another one from the journal and what the machine knows.
    fn take_over(&mut self) -> Result<(), String> {
        self.history.push(format!("{} the engine is killed", self.now));
        let records: Vec<(InstanceId, Record)> = self.journal.clone().into_iter().collect();
        let views = self.engine.snapshot();
        let known: Vec<(InstanceId, Invocation)> =
            self.kernel.processes.iter().map(|(&life, process)| (process.instance, life)).collect();
        let (plan, next, ending) =
            (self.engine.plan().clone(), self.engine.next_invocation(), self.engine.ending());
        self.engine = Engine::restore(plan, 7, self.now, next, &records, &known, ending);
        self.reference.taken_over(&known);
        for (before, after) in views.iter().zip(self.engine.snapshot()) {
            if before.wanted != after.wanted || before.explicit != after.explicit {
                return Err(format!("taken over wrongly: {before:?} became {after:?}"));
            }
        }
        self.tell_clock()
    }
}

/// Returns the plan that an engine with a flaw would seem to work on.
fn flawed(plan: &Plan, flaw: Option<Flaw>) -> Plan {
    let mut plan = plan.clone();
    for edge in &mut plan.edges {
        if let Relation::DependsOn { condition, required, .. } = &mut edge.relation {
            match flaw {
                Some(Flaw::IgnoredCondition) => *condition = Condition::Started,
                Some(Flaw::DependentsLeftUp) => *required = false,
                _ => {}
            }
        }
    }
    if flaw == Some(Flaw::NoBackoff) {
        for service in &mut plan.services {
            Arc::make_mut(&mut service.rules).backoff.first = Duration::ZERO;
        }
    }
    plan
}

/// Lets some instances watch files.
fn watch_some(plan: &mut Plan, random: &mut fastrand::Rng) {
    for instance in &mut plan.instances {
        if random.bool() {
            let watch = plan::watch(random.u32(0..4) == 0, random.bool());
            let extras = Extras { watch: Some(watch), ..Extras::default() };
            Arc::make_mut(&mut instance.launch).extras = Some(Box::new(extras));
        }
    }
}

pub(super) fn random_plan(random: &mut fastrand::Rng, services: usize) -> Plan {
    let names = ["a", "b", "c", "d", "e", "f"];
    // Drawn beside the others, so that what a seed says of everything else stays as it is.
    let mut aside = fastrand::Rng::with_seed(random.clone().u64(..) ^ 0x7a5c);
    let mut draft = plan::plan("simulated");
    let mut tasks = Vec::new();
    for (at, name) in names.iter().take(services).enumerate() {
        let task = random.u32(0..4) == 0;
        draft = if task { draft.task(name) } else { draft.service(name) };
        let replicas = random.u32(0..6) == 0;
        if replicas {
            draft = draft.replicas(2);
        }
        tasks.push(task);
        let random = &mut *random;
        draft = draft.rules(|rules| {
            random_rules(random, rules);
            // A scheduled task has no replicas: `check` says so.
            if task && !replicas && aside.bool() {
                rules.schedule = Some(Box::new(random_schedule(&mut aside)));
            }
        });
        for other in 0..at {
            if random.u32(0..3) == 0 {
                let relation = random_relation(random, tasks[other]);
                draft = draft.link(names[other], relation);
            }
        }
    }
    draft.build()
}

fn random_rules(random: &mut fastrand::Rng, rules: &mut svc::graph::plan::Rules) {
    let schedule = |period| Schedule {
        delay: Duration::ZERO,
        period,
        timeout: Duration::from_secs(1),
        failures: 2,
        successes: 1,
    };
    rules.readiness = match random.u32(0..3) {
        0 => Readiness::Started,
        1 => Readiness::Announced,
        _ => Readiness::Probed(schedule(None)),
    };
    if random.u32(0..4) == 0 {
        rules.startup = Some(schedule(None));
    }
    if random.u32(0..3) == 0 {
        rules.liveness = Some(schedule(Some(Duration::from_secs(3))));
        rules.on_liveness_failure = match random.u32(0..4) {
            0 => LivenessFailure::Ignore,
            1 => LivenessFailure::Stop,
            _ => LivenessFailure::Restart,
        };
    }
    rules.restart.when = match random.u32(0..4) {
        0 => RestartWhen::Never,
        1 => RestartWhen::Always,
        _ => RestartWhen::OnFailure,
    };
    if random.u32(0..3) == 0 {
        rules.restart.max = Some(random.u32(1..4));
        rules.restart.window = Duration::from_secs(random.u64(5..60));
    }
    rules.stop.grace = Duration::from_millis(random.u64(500..5_000));
    rules.stop.command = random.u32(0..4) == 0;
    rules.stop.group = random.bool();
    rules.start_timeout = Duration::from_secs(random.u64(1..20));
    rules.backoff.limit = Duration::from_secs(5);
    rules.backoff.reset = Duration::from_secs(random.u64(1..10));
    if random.u32(0..4) == 0 {
        rules.timeout = Some(Duration::from_secs(random.u64(1..10)));
    }
}

fn random_schedule(random: &mut fastrand::Rng) -> svc::graph::plan::Schedule {
    let line = ["* * * * *", "*/5 * * * *", "0 * * * *"][random.usize(0..3)];
    svc::graph::plan::Schedule {
        when: match random.bool() {
            true => When::Every(Duration::from_secs(random.u64(5..60))),
            false => When::Cron { line: Cron::parse(line).expect("it is one"), zone: None },
        },
        overlap: [Overlap::Skip, Overlap::Queue, Overlap::Replace][random.usize(0..3)],
        run_on_start: random.u32(0..4) == 0,
    }
}

fn random_relation(random: &mut fastrand::Rng, on_task: bool) -> Relation {
    if random.u32(0..4) == 0 {
        return Relation::Order;
    }
    let condition = match (on_task, random.u32(0..3)) {
        (_, 0) => Condition::Ready,
        (true, 1) => Condition::Completed,
        (true, _) => Condition::CompletedSuccessfully,
        (false, 1) => Condition::Started,
        (false, _) => Condition::Ready,
    };
    let timeout = (random.u32(0..5) == 0).then(|| Duration::from_secs(random.u64(1..10)));
    Relation::DependsOn {
        condition,
        required: random.u32(0..4) != 0,
        restart: random.u32(0..4) == 0,
        timeout,
    }
}
