//! The reference: what may be done and what must be, worked out from scratch at every step.
//!
//! It shares nothing with the engine but the plan. It keeps what was seen happen and searches all of
//! it whenever it has a question: slow and plain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use svc::base::{ExitStatus, Invocation, Moment, Signal};
use svc::engine::{Action, Cause, Command, Event, LOOP, RequestId, RunEnd, StateName, View};
use svc::graph::Change;
use svc::graph::plan::{Edge, InstanceId, Overlap, Plan, Readiness, Relation, When};
use svc::model::policy::{Condition, Kind};
use svc::probe::Class;

/// One life as it was seen.
#[derive(Clone, Debug)]
struct Life {
    instance: InstanceId,
    spawned: bool,
    said_ready: bool,
    /// When its stop began, and the grace it has: a change of the plan holds for the next one.
    stop_began: Option<(Moment, Duration)>,
    main_ended: Option<(Moment, ExitStatus)>,
    over: bool,
    probing: Option<Class>,
}

/// All that was seen.
#[derive(Clone)]
pub(super) struct Reference {
    plan: Arc<Plan>,
    lives: BTreeMap<Invocation, Life>,
    open: BTreeSet<RequestId>,
    ended: BTreeSet<RequestId>,
    restarts: Vec<(InstanceId, Moment)>,
    /// When tasks went to run because their time had come.
    due: Vec<(InstanceId, Moment)>,
    backoff: BTreeMap<InstanceId, Moment>,
    shutdowns: u32,
    killing: bool,
    /// Requests to replace replicas one after the other.
    rolls: BTreeSet<RequestId>,
    /// When watched files changed.
    changes: Vec<(InstanceId, Moment)>,
    /// What is down because it is being replaced.
    replaced: BTreeSet<InstanceId>,
    /// What was ever named with `--no-deps`: its edges promise nothing any more.
    loose: BTreeSet<InstanceId>,
    /// What was wanted when the engine was last at rest.
    wanted: BTreeSet<InstanceId>,
    /// What ran out of its own time to start in this call.
    timed_out: BTreeSet<InstanceId>,
    pub(super) over: bool,
}

impl Reference {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            lives: BTreeMap::new(),
            open: BTreeSet::new(),
            ended: BTreeSet::new(),
            restarts: Vec::new(),
            due: Vec::new(),
            backoff: BTreeMap::new(),
            shutdowns: 0,
            killing: false,
            rolls: BTreeSet::new(),
            changes: Vec::new(),
            replaced: BTreeSet::new(),
            loose: BTreeSet::new(),
            wanted: BTreeSet::new(),
            timed_out: BTreeSet::new(),
            over: false,
        }
    }

    /// Returns the life of an instance that is not over.
    fn current(&self, id: InstanceId) -> Option<(Invocation, &Life)> {
        self.lives
            .iter()
            .rev()
            .find(|(_, life)| life.instance == id && !life.over)
            .map(|(&i, life)| (i, life))
    }

    /// Returns whether nobody said `--no-deps` of either end of an edge.
    fn binds(&self, edge: &Edge) -> bool {
        !self.loose.contains(&edge.dependent) && !self.loose.contains(&edge.dependency)
    }

    fn name(&self, id: InstanceId) -> &str {
        &self.plan.instance(id).name
    }

    /// Takes note of what happens, before the engine is told.
    pub(super) fn happened(&mut self, now: Moment, event: &Event) {
        self.timed_out.clear();
        match event {
            Event::Command { request, command } => {
                self.open.insert(*request);
                if let Command::Start { instances, no_deps: true }
                | Command::Run { instances, no_deps: true }
                | Command::Stop { instances, no_deps: true }
                | Command::Restart { instances, no_deps: true } = command
                {
                    self.loose.extend(instances);
                }
                match command {
                    Command::Start { instances, .. }
                    | Command::Run { instances, .. }
                    | Command::Restart { instances, .. } => {
                        // A start by hand clears the count of restarts of all that it needs.
                        let mut todo = instances.clone();
                        while let Some(id) = todo.pop() {
                            self.restarts.retain(|&(of, _)| of != id);
                            let needed = self.plan.edges.iter().filter(|edge| edge.dependent == id);
                            todo.extend(needed.map(|edge| edge.dependency));
                        }
                    }
                    Command::Shutdown { kill } => {
                        self.shutdowns += 1;
                        self.killing |= kill;
                    }
                    Command::Reload { rolled, .. } => {
                        self.rolls.insert(*request);
                        // A replica goes without its dependents, and begins anew.
                        self.loose.extend(rolled);
                        self.restarts.retain(|(of, _)| !rolled.contains(of));
                    }
                    Command::Stop { .. } | Command::Apply(_) => {}
                }
            }
            Event::Spawned { invocation } => self.with(*invocation, |life| life.spawned = true),
            Event::SpawnFailed { invocation, .. } => self.with(*invocation, |life| life.over = true),
            Event::Ready { invocation } => self.with(*invocation, |life| life.said_ready = true),
            Event::Exited { invocation, exit, stragglers } => {
                let (exit, over) = (*exit, !stragglers);
                self.with(*invocation, |life| {
                    life.main_ended = Some((now, exit));
                    life.over = over;
                });
            }
            Event::Emptied { invocation } => self.with(*invocation, |life| life.over = true),
            Event::ProbeFinished { invocation, class, outcome } => {
                let (class, passed) = (*class, outcome.passed);
                self.with(*invocation, |life| {
                    life.probing = None;
                    life.said_ready |= passed && class == Class::Readiness;
                });
            }
            Event::FilesChanged { instance, .. } => {
                // It may begin anew by itself, without its dependents, whatever it has failed before.
                self.loose.insert(*instance);
                let mut todo = vec![*instance];
                while let Some(id) = todo.pop() {
                    self.restarts.retain(|&(of, _)| of != id);
                    let needed = self.plan.edges.iter().filter(|edge| edge.dependent == id);
                    todo.extend(needed.map(|edge| edge.dependency));
                }
                self.changes.push((*instance, now));
            }
            // What a clock that is set makes due is beside the pace of the schedule.
            Event::Clock { .. } => self.due.clear(),
            Event::ExtendTimeout { .. }
            | Event::Stopping { .. }
            | Event::Status { .. }
            | Event::ReloadFinished { .. }
            | Event::StopCommandFinished { .. }
            | Event::Tick => {}
        }
    }

    fn with(&mut self, invocation: Invocation, change: impl FnOnce(&mut Life)) {
        if let Some(life) = self.lives.get_mut(&invocation) {
            change(life);
        }
    }

    /// Forgets what an engine that was killed had under way: whoever asked asks again.
    pub(super) fn taken_over(&mut self, known: &[(InstanceId, Invocation)]) {
        self.open.clear();
        self.backoff.clear();
        for (invocation, life) in &mut self.lives {
            let is_known = known.iter().any(|(_, known)| known == invocation);
            life.over |= !is_known;
            life.spawned |= is_known;
            life.probing = None;
            life.stop_began = None;
        }
    }

    /// Takes another plan's names for what is known by place.
    fn plan_changed(&mut self, plan: &Arc<Plan>, change: &Change) {
        let place = |id: &InstanceId| change.after[id.0 as usize];
        // What was ready as soon as it ran stays ready until its new readiness says otherwise.
        for life in self.lives.values_mut() {
            life.said_ready |= life.spawned && self.plan.rules(life.instance).readiness == Readiness::Started;
        }
        self.plan = Arc::clone(plan);
        // What is gone has no life left, and what started anew starts its count anew.
        self.lives.retain(|_, life| place(&life.instance).is_some());
        for life in self.lives.values_mut() {
            life.instance = place(&life.instance).expect("the others were dropped");
        }
        self.restarts.clear();
        self.due.clear();
        self.backoff.clear();
        for set in [&mut self.loose, &mut self.wanted, &mut self.timed_out, &mut self.replaced] {
            *set = set.iter().filter_map(place).collect();
        }
    }

    /// Judges a change of the plan: nothing that it takes away may live.
    fn judge_change(&mut self, plan: &Arc<Plan>, change: &Change) -> Result<(), String> {
        for (id, after) in (0..).map(InstanceId).zip(&change.after) {
            let goes = after.is_none_or(|new| change.restarts(new));
            if goes && self.current(id).is_some() {
                return Err(format!("{} lived when the plan changed", self.name(id)));
            }
        }
        self.plan_changed(plan, change);
        Ok(())
    }

    /// Judges what the engine wants done.
    pub(super) fn judge(&mut self, now: Moment, action: &Action, views: &[View]) -> Result<(), String> {
        match action {
            Action::Launch { instance, invocation } => self.judge_launch(*instance, *invocation),
            Action::Signal { invocation, signal, .. } => self.judge_signal(now, *invocation, *signal, views),
            Action::StopCommand { invocation, .. } => {
                self.judge_signal(now, *invocation, Signal::TERM, views)
            }
            Action::WatchPaused { instance, .. } => self.judge_pause(now, *instance),
            Action::Reload { instance, invocation } => match self.current(*instance) {
                Some((life, _)) if life == *invocation => Ok(()),
                _ => Err(format!("{} was told by a life that is over", self.name(*instance))),
            },
            Action::Probe { invocation, class, .. } => {
                let life = self.lives.get_mut(invocation).ok_or("a probe of no life")?;
                if life.over || life.probing.replace(*class).is_some() {
                    return Err("two probes at once, or one of a life that is over".to_owned());
                }
                Ok(())
            }
            Action::Notice(transition) => {
                let (id, to) = (transition.instance, transition.to);
                if transition.cause == Cause::Initial {
                    return Err(format!("{} went to {to:?} without a cause", self.name(id)));
                }
                if let Cause::Request(request) = &transition.cause
                    && self.rolls.contains(request)
                {
                    // Its turn is a start by hand.
                    self.restarts.retain(|(of, _)| *of != id);
                    if to == StateName::Stopping {
                        self.judge_roll(id)?;
                        self.replaced.insert(id);
                    }
                }
                if matches!(
                    to,
                    StateName::Ready | StateName::Completed | StateName::Failed | StateName::Inactive
                ) {
                    self.replaced.remove(&id);
                }
                if to == StateName::Waiting && transition.cause == Cause::Due {
                    self.judge_due(now, id)?;
                }
                if to == StateName::Stopping && matches!(transition.cause, Cause::Timeout(_)) {
                    self.timed_out.insert(id);
                }
                match to {
                    StateName::Ready => self.judge_ready(id),
                    StateName::Backoff => self.judge_restart(now, id),
                    _ => self.judge_wait(now, id, &transition.cause),
                }
            }
            Action::PlanChanged { plan, change } => self.judge_change(plan, change),
            Action::RequestEnded { request, .. } => {
                if !self.open.remove(request) || !self.ended.insert(*request) {
                    return Err(format!("request {} ended twice or was never made", request.0));
                }
                Ok(())
            }
            Action::End { .. } => {
                if self.lives.values().any(|life| !life.over) || self.over {
                    return Err("the end was said with something left, or twice".to_owned());
                }
                self.over = true;
                Ok(())
            }
        }
    }

    /// Judges that a watch is paused: there were enough changes, each soon after the one before.
    fn judge_pause(&self, now: Moment, id: InstanceId) -> Result<(), String> {
        let mut of = self.changes.iter().rev().filter(|(of, _)| *of == id).map(|&(_, at)| at);
        match of.nth(LOOP as usize) {
            Some(_) => Ok(()),
            None => Err(format!("{} at {now}: a watch is paused without a loop", self.name(id))),
        }
    }

    /// Judges that a replica is replaced: no other one may be down for that.
    fn judge_roll(&self, id: InstanceId) -> Result<(), String> {
        let mut siblings = self.plan.service_of(id).instances.clone().map(InstanceId);
        let works = |other: &InstanceId| {
            let runs = |life: &Life| life.spawned && life.main_ended.is_none() && life.stop_began.is_none();
            self.current(*other).is_some_and(|(_, life)| runs(life))
        };
        match siblings.find(|other| *other != id && self.replaced.contains(other) && !works(other)) {
            Some(other) => Err(format!("{} was replaced while {} was down", self.name(id), self.name(other))),
            None => Ok(()),
        }
    }

    fn judge_launch(&mut self, id: InstanceId, invocation: Invocation) -> Result<(), String> {
        if self.current(id).is_some() {
            return Err(format!("{} has two lives", self.name(id)));
        }
        if self.lives.last_key_value().is_some_and(|(&last, _)| last >= invocation) {
            return Err("a life has a number that was given out".to_owned());
        }
        for edge in self.plan.edges.iter().filter(|edge| edge.dependent == id && self.binds(edge)) {
            if let Relation::DependsOn { condition, required: true, .. } = edge.relation
                && !self.holds(condition, edge.dependency)
            {
                let (name, other) = (self.name(id), self.name(edge.dependency));
                return Err(format!("{name} was launched before {other} was {}", condition.word()));
            }
        }
        let life = Life {
            instance: id,
            spawned: false,
            said_ready: false,
            stop_began: None,
            main_ended: None,
            over: false,
            probing: None,
        };
        self.lives.insert(invocation, life);
        Ok(())
    }

    /// Returns whether a condition holds as far as anybody could see.
    fn holds(&self, condition: Condition, id: InstanceId) -> bool {
        let service = self.plan.service_of(id);
        let last = self.lives.values().rev().find(|life| life.instance == id);
        let Some(last) = last else { return false };
        if service.rules.schedule.is_some() {
            // One run that went well is enough for ever.
            let well = |life: &Life| matches!(life.main_ended, Some((_, ExitStatus::Code(0)))) && life.over;
            let enough = |life: &Life| well(life) || (condition == Condition::Completed && life.over);
            return self.lives.values().any(|life| life.instance == id && enough(life));
        }
        let succeeded = matches!(last.main_ended, Some((_, ExitStatus::Code(0)))) && last.over;
        let runs = last.spawned && last.main_ended.is_none();
        let ready = match service.rules.readiness {
            Readiness::Started => runs,
            Readiness::Announced | Readiness::Probed(_) => runs && last.said_ready,
        };
        match (condition, service.kind) {
            (Condition::Started, Kind::Service) => runs,
            (Condition::Started, Kind::Task) => runs || succeeded,
            (Condition::Ready | Condition::Healthy | Condition::LogReady, Kind::Service) => ready,
            (Condition::Completed, _) => last.over,
            _ => succeeded,
        }
    }

    fn judge_signal(
        &mut self,
        now: Moment,
        invocation: Invocation,
        signal: Signal,
        views: &[View],
    ) -> Result<(), String> {
        let hasty = self.killing || self.shutdowns > 1;
        let Some(life) = self.lives.get(&invocation) else { return Err("a signal to no life".to_owned()) };
        let (id, began, main_ended) = (life.instance, life.stop_began, life.main_ended);
        if life.over || !life.spawned {
            return Err(format!("{} was signalled and is over or not there", self.name(id)));
        }
        if signal == Signal::KILL {
            if !hasty && began.is_none_or(|(began, grace)| now.since(began) < grace) {
                return Err(format!("{} was killed before its grace was over", self.name(id)));
            }
            return Ok(());
        }
        if began.is_none() {
            let grace = self.plan.rules(id).stop.grace;
            self.with(invocation, |life| life.stop_began = Some((now, grace)));
            // In one late call it may time out first and be let go after that.
            let by_itself = self.timed_out.contains(&id) && self.wanted.contains(&id);
            let unwanted = views.get(id.0 as usize).is_some_and(|view| !view.wanted);
            if unwanted && main_ended.is_none() && !hasty && !by_itself {
                return self.judge_order(id);
            }
        }
        Ok(())
    }

    /// Nothing that cannot be without an instance may run when that is stopped.
    fn judge_order(&self, id: InstanceId) -> Result<(), String> {
        for edge in self.plan.edges.iter().filter(|edge| edge.dependency == id && self.binds(edge)) {
            if let Relation::DependsOn { required: true, .. } = edge.relation
                && self.current(edge.dependent).is_some()
            {
                let (name, other) = (self.name(id), self.name(edge.dependent));
                return Err(format!("{name} was stopped while {other} ran"));
            }
        }
        Ok(())
    }

    fn judge_ready(&self, id: InstanceId) -> Result<(), String> {
        let service = self.plan.service_of(id);
        let said = self.current(id).is_some_and(|(_, life)| life.said_ready);
        if service.kind == Kind::Service && service.rules.readiness != Readiness::Started && !said {
            return Err(format!("{} is ready though its life never said so", self.name(id)));
        }
        Ok(())
    }

    /// A schedule is no storm: what was missed is made up for once at most.
    fn judge_due(&mut self, now: Moment, id: InstanceId) -> Result<(), String> {
        let name = self.name(id);
        let Some(schedule) = &self.plan.rules(id).schedule else {
            return Err(format!("the time of {name} came, and it has none"));
        };
        let before = self.due.iter().rev().filter(|(of, _)| *of == id).map(|&(_, at)| at);
        if schedule.overlap == Overlap::Skip && before.clone().next() == Some(now) {
            return Err(format!("{name} ran twice for one time"));
        }
        // A time may be late, and a run put off: three may come close together, never four.
        let period = match schedule.when {
            When::Every(period) => period,
            When::Cron { .. } => Duration::from_secs(60),
        };
        if before.clone().nth(2).is_some_and(|third| now.since(third) < period) {
            return Err(format!("{name} runs in a storm"));
        }
        self.due.push((id, now));
        Ok(())
    }

    /// Judges when a scheduled task runs next, by looking at every minute.
    fn judge_next(&self, now: Moment, shows: Timestamp, view: &View) -> Result<(), String> {
        let Some(schedule) = &self.plan.rules(view.instance).schedule else { return Ok(()) };
        let name = self.name(view.instance);
        let Some(next) = view.next_run else { return Err(format!("{name} is stuck: it never runs again")) };
        let in_time = match &schedule.when {
            When::Every(period) => next.at > now && next.at <= now + *period,
            When::Cron { line, .. } => {
                let every: i64 = match line.to_string().as_str() {
                    "* * * * *" => 1,
                    "*/5 * * * *" => 5,
                    "0 * * * *" => 60,
                    other => return Err(format!("{other} is not simulated")),
                };
                let minute = next.wall.map(|at| at.as_second());
                // A clock that was set back by up to three hours repeats nothing.
                let latest = shows + Duration::from_secs(60 * every as u64 + 3 * 3_600);
                minute.is_some_and(|at| at % (60 * every) == 0)
                    && next.wall.is_some_and(|at| at > shows && at <= latest)
            }
        };
        if in_time { Ok(()) } else { Err(format!("{name} runs at the wrong time: {next:?}")) }
    }

    fn judge_restart(&mut self, now: Moment, id: InstanceId) -> Result<(), String> {
        self.backoff.insert(id, now);
        self.restarts.push((id, now));
        let restart = self.plan.rules(id).restart;
        let recent = self.restarts.iter().filter(|&&(of, at)| of == id && now.since(at) < restart.window);
        if restart.max.is_some_and(|max| recent.count() > max as usize) {
            return Err(format!("{} restarts too often", self.name(id)));
        }
        Ok(())
    }

    fn judge_wait(&mut self, now: Moment, id: InstanceId, cause: &Cause) -> Result<(), String> {
        let Some(began) = self.backoff.remove(&id) else { return Ok(()) };
        let backoff = self.plan.rules(id).backoff;
        let least = backoff.first.mul_f64((1.0 - backoff.jitter) * 0.999);
        if *cause == Cause::BackoffOver && now.since(began) < least {
            return Err(format!("{} was restarted too soon", self.name(id)));
        }
        Ok(())
    }

    /// Judges where everything is, once the engine has settled.
    pub(super) fn judge_state(&mut self, views: &[View]) -> Result<(), String> {
        self.wanted = views.iter().filter(|view| view.wanted).map(|view| view.instance).collect();
        for view in views {
            let name = self.name(view.instance);
            let by_edge = |edge: &&Edge| matches!(edge.relation, Relation::DependsOn { .. });
            let mut pulls = self.plan.edges.iter().filter(by_edge).filter(|e| e.dependency == view.instance);
            if view.wanted && !view.explicit && !pulls.any(|edge| views[edge.dependent.0 as usize].wanted) {
                return Err(format!("{name} is wanted by nobody"));
            }
            let runs = self.current(view.instance).is_some();
            let shown = matches!(
                view.state,
                StateName::Starting | StateName::Ready | StateName::Unhealthy | StateName::Stopping
            );
            if runs != shown {
                return Err(format!(
                    "{name} is shown {:?} and is stuck: its process says otherwise",
                    view.state
                ));
            }
            if view.wanted && view.state != StateName::Completed {
                self.judge_needs(view, views)?;
            }
        }
        Ok(())
    }

    /// What is wanted wants what it requires.
    fn judge_needs(&self, view: &View, views: &[View]) -> Result<(), String> {
        for edge in self.plan.edges.iter().filter(|edge| edge.dependent == view.instance && self.binds(edge))
        {
            if let Relation::DependsOn { required: true, condition, .. } = edge.relation
                && condition != Condition::Completed
                && !views[edge.dependency.0 as usize].wanted
            {
                let (name, other) = (self.name(view.instance), self.name(edge.dependency));
                return Err(format!("{name} is wanted and {other}, which it requires, is not"));
            }
        }
        Ok(())
    }

    /// Judges the end: on a machine where nothing fails any more everything wanted gets there.
    pub(super) fn judge_calm(&self, now: Moment, shows: Timestamp, views: &[View]) -> Result<(), String> {
        // A service that said it is about to end and does not is waited for as long as it takes.
        let unhealthy = views.iter().any(|view| view.state == StateName::Unhealthy);
        // A scheduled task that is slower than its own limit is tried again and again, as its file says.
        let is_slow = |view: &View| view.runs.last().is_some_and(|run| run.end == RunEnd::TimedOut);
        let slow = views.iter().any(is_slow);
        for view in views {
            if view.wanted {
                self.judge_next(now, shows, view)?;
            }
            let scheduled = self.plan.rules(view.instance).schedule.is_some();
            let there = match view.state {
                StateName::Ready => self.plan.service_of(view.instance).kind == Kind::Service || scheduled,
                StateName::Unhealthy | StateName::Completed => true,
                StateName::Scheduled | StateName::Starting | StateName::Stopping if scheduled => true,
                StateName::Backoff if scheduled => is_slow(view),
                StateName::Waiting => unhealthy || slow,
                _ => false,
            };
            if view.wanted && !there {
                return Err(format!("{} is stuck: {view:?}", self.name(view.instance)));
            }
        }
        if let Some(request) = self.open.first()
            && !unhealthy
            && !slow
        {
            return Err(format!("request {} is stuck", request.0));
        }
        Ok(())
    }
}
