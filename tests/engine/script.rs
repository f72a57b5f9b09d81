//! The language of the scenarios: plan lines, what happens, and what the engine wants done.
//!
//! ```text
//! == a title that says what is shown
//! service db announced
//! service web needs=db
//! start web
//! > launch db#1
//! ready db
//! > launch web#2
//! > request 1 done
//! ```
//!
//! `new service …` lines make another plan, which `apply` puts in force; what the options say there holds.
//!
//! A launch is answered at once unless the service is `manual`. Time passes by `advance`, which stops
//! at every deadline on the way; what happens then carries the time since the line before.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use svc::base::{Cron, ExitStatus, Invocation, Moment, Signal, Size, SpawnFailure, Stage, Zone, duration};
use svc::engine::action::RequestResult;
use svc::engine::{Action, Command, Engine, Event, NewPlan, RequestId, Scope, StateName};
use svc::graph::plan::{InstanceId, LivenessFailure, Overlap, Plan, Readiness, Relation, When};
use svc::model::policy::{Condition, Consequence, Restart, RestartWhen};
use svc::probe::{Class, Outcome, Schedule};

use crate::support::plan::{self, Draft};

/// Plays a file; returns it with the lines that the engine answers, and how many scenarios it holds.
pub(crate) fn play(text: &str) -> (String, usize) {
    let mut played = String::new();
    let mut count = 0;
    let mut scene: Option<Scene> = None;
    for line in text.lines() {
        if line.starts_with('>') {
            continue;
        }
        played.push_str(line);
        played.push('\n');
        if line.starts_with("==") {
            scene = Some(Scene::default());
            count += 1;
        } else if !line.is_empty() && !line.starts_with('#') {
            let scene = scene.as_mut().expect("a scenario begins with `==`");
            scene.line(line);
            for answer in scene.answers.drain(..) {
                played.push_str(&format!("> {answer}\n"));
            }
        }
    }
    (played, count)
}

#[derive(Default)]
struct Scene {
    draft: Option<Draft>,
    /// Whether what is declared is another plan, for `apply`.
    anew: bool,
    engine: Option<Engine>,
    manual: Vec<String>,
    now: Moment,
    /// What the wall clock showed, and when, once it was set.
    clock: Option<(Moment, Timestamp)>,
    requests: u64,
    answers: Vec<String>,
}

impl Scene {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "service" | "task" => self.declare(&words),
            "new" => {
                self.anew = true;
                self.declare(&words[1..]);
            }
            _ => self.happen(&words),
        }
    }

    fn declare(&mut self, words: &[&str]) {
        let draft = self.draft.take().unwrap_or_else(|| plan::plan("scene"));
        let draft = if words[0] == "task" { draft.task(words[1]) } else { draft.service(words[1]) };
        let draft = draft.rules(|rules| {
            rules.backoff.first = Duration::from_secs(1);
            rules.backoff.limit = Duration::from_secs(4);
            rules.backoff.reset = Duration::from_secs(10);
            rules.backoff.jitter = 0.0;
            rules.stop.grace = Duration::from_secs(5);
        });
        if words.contains(&"manual") {
            self.manual.push(words[1].to_owned());
        }
        self.draft = Some(words[2..].iter().fold(draft, |draft, word| option(draft, word)));
    }

    fn engine(&mut self) -> &mut Engine {
        if !self.anew
            && let Some(draft) = self.draft.take()
        {
            self.now = Moment::from_millis(1_000);
            self.engine = Some(Engine::new(Arc::new(draft.build()), 1));
        }
        self.engine.as_mut().expect("services come first")
    }

    fn plan(&mut self) -> Arc<Plan> {
        self.engine().plan().clone()
    }

    /// Finds `db`, `db.1`, and the life of `db` or `db#7`.
    fn find(&mut self, name: &str) -> (InstanceId, Invocation) {
        let (name, life) = name.split_once('#').map_or((name, None), |(n, l)| (n, l.parse().ok()));
        let found = self.plan().find(name);
        let id = *found.first().unwrap_or_else(|| panic!("no `{name}` in this scenario"));
        let last = self.engine().view(id).invocation.unwrap_or(Invocation(0));
        (id, life.map_or(last, Invocation))
    }

    fn happen(&mut self, words: &[&str]) {
        let first = words.get(1).copied().unwrap_or("");
        let rest = words.get(2).copied().unwrap_or("");
        match words[0] {
            "start" | "run" | "stop" | "restart" | "reload" | "roll" | "shutdown" | "kill" => self.ask(words),
            "advance" => self.advance(read(first)),
            "late" => {
                self.now = self.now + read(first);
                self.tell(Event::Tick, "");
            }
            "clock" => {
                let _ = self.engine();
                self.clock = Some((self.now, first.parse().expect("a time")));
                self.tell_clock();
            }
            "asleep" => self.now = self.now + read(first),
            "apply" => self.apply(&words[1..]),
            "show" => self.show(),
            "why" => self.why(first),
            "take-over" => self.take_over(&words[1..]),
            "tick" => self.tell(Event::Tick, ""),
            "changed" => {
                let (instance, _) = self.find(first);
                self.tell(Event::FilesChanged { instance, path: "src/a.rs".into() }, "");
            }
            fact => {
                let (_, invocation) = self.find(first);
                let event = fact_of(fact, invocation, rest, words);
                self.tell(event, "");
            }
        }
    }

    fn ask(&mut self, words: &[&str]) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let no_deps = words.contains(&"--no-deps");
        let plan = self.plan();
        let names = words[1..].iter().filter(|word| !word.starts_with("--"));
        let instances: Vec<InstanceId> = names.flat_map(|name| plan.find(name)).collect();
        let command = match words[0] {
            "start" => Command::Start { instances, no_deps },
            "run" => Command::Run { instances, no_deps },
            "stop" => Command::Stop { instances, no_deps },
            "restart" => Command::Restart { instances, no_deps },
            "reload" => Command::Reload { told: instances, rolled: Vec::new() },
            "roll" => Command::Reload { told: Vec::new(), rolled: instances },
            word => Command::Shutdown { kill: word == "kill" },
        };
        self.tell(Event::Command { request, command }, "");
    }

    /// Applies what `new` lines declared; what is named is asked for.
    fn apply(&mut self, words: &[&str]) {
        self.anew = false;
        let plan = Arc::new(self.draft.take().map_or_else(Plan::default, Draft::build));
        let names = words.iter().filter(|word| !word.starts_with("--"));
        let start = names.flat_map(|name| plan.find(name)).collect();
        let rollback = words.contains(&"--rollback");
        self.requests += 1;
        let command = Command::Apply(Arc::new(NewPlan { plan, start, rollback }));
        self.tell(Event::Command { request: RequestId(self.requests), command }, "");
    }

    /// Tells what the wall clock shows.
    fn tell_clock(&mut self) {
        if let Some((at, shows)) = self.clock {
            let shows = (shows + self.now.since(at)).to_zoned(jiff::tz::TimeZone::UTC);
            self.tell(Event::Clock { shows }, "");
        }
    }

    fn advance(&mut self, by: Duration) {
        let (from, to) = (self.now, self.now + by);
        while let Some(at) = self.engine().next_deadline()
            && at <= to
        {
            self.now = at.max(self.now);
            let after = duration::Exact(self.now.since(from)).to_string();
            self.tell(Event::Tick, &format!("{after}: "));
        }
        self.now = to;
    }

    fn tell(&mut self, event: Event, prefix: &str) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.now;
            for action in self.engine().handle(now, event) {
                if let Some(answer) = self.say(&action) {
                    self.answers.push(format!("{prefix}{answer}"));
                }
                if let Action::Launch { instance, invocation } = action {
                    let name = self.name(instance);
                    if !self.manual.contains(&name) {
                        events.push_back(Event::Spawned { invocation });
                    }
                }
            }
        }
    }

    fn name(&mut self, id: InstanceId) -> String {
        self.plan().instance(id).name.to_string()
    }

    fn of_life(&mut self, life: Invocation) -> String {
        let views = self.engine().snapshot();
        let id = views.iter().find(|view| view.invocation == Some(life)).map(|view| view.instance);
        let name = id.map_or("?".to_owned(), |id| self.name(id));
        format!("{name}#{}", life.0)
    }

    fn say(&mut self, action: &Action) -> Option<String> {
        Some(match action {
            Action::Launch { instance, invocation } => {
                format!("launch {}#{}", self.name(*instance), invocation.0)
            }
            Action::Signal { invocation, signal, scope } => {
                let scope = match scope {
                    Scope::Main => "main",
                    Scope::Group => "group",
                    Scope::Everything => "everything",
                };
                format!("{signal} to {} ({scope})", self.of_life(*invocation))
            }
            Action::StopCommand { invocation, .. } => {
                format!("stop command of {}", self.of_life(*invocation))
            }
            Action::WatchPaused { instance, path } => {
                format!("watching of {} is paused: {path}", self.name(*instance))
            }
            Action::Reload { invocation, .. } => format!("reload {}", self.of_life(*invocation)),
            Action::Probe { invocation, class, .. } => {
                let class = format!("{class:?}").to_lowercase();
                format!("probe {class} of {}", self.of_life(*invocation))
            }
            Action::Notice(_) => return None,
            Action::PlanChanged { .. } => "the new plan is in force".to_owned(),
            Action::RequestEnded { request, result } => {
                let result = match result {
                    RequestResult::Done => "done".to_owned(),
                    RequestResult::Superseded => "superseded".to_owned(),
                    RequestResult::RolledBack(who) => format!("rolled back: {}", who.join(", ")),
                    RequestResult::Failed(who) => {
                        let who: Vec<String> = who.iter().map(|&id| self.name(id)).collect();
                        format!("failed: {}", who.join(", "))
                    }
                };
                format!("request {} {result}", request.0)
            }
            Action::End { code: None } => "end".to_owned(),
            Action::End { code: Some(code) } => format!("end with {code}"),
        })
    }

    fn show(&mut self) {
        let views = self.engine().snapshot();
        for view in views {
            let mut line = format!("{} is {}", self.name(view.instance), word(view.state));
            for (other, condition) in &view.waits_for {
                let condition = condition.map_or("", Condition::word);
                line.push_str(&format!(", waits for {} {condition}", self.name(*other)));
            }
            if let Some(due) = view.due {
                let now = self.now;
                line.push_str(&format!(", due in {}", duration::Exact(due.since(now))));
            }
            self.answers.push(line.trim_end().to_owned());
        }
    }

    fn why(&mut self, name: &str) {
        let (id, _) = self.find(name);
        for (id, cause) in self.engine().why(id) {
            let line = format!("{}: {cause:?}", self.name(id));
            self.answers.push(line);
        }
    }

    /// The engine is killed and made anew from its records; the lives named ended meanwhile unseen.
    fn take_over(&mut self, lost: &[&str]) {
        let old = self.engine().clone();
        let ids: Vec<InstanceId> = old.plan().instances().map(|(id, _)| id).collect();
        let records: Vec<_> = ids.iter().map(|&id| (id, old.record(id))).collect();
        let alive = |state| {
            matches!(
                state,
                StateName::Starting | StateName::Ready | StateName::Unhealthy | StateName::Stopping
            )
        };
        let mut known = Vec::new();
        for view in old.snapshot() {
            if alive(view.state) && !lost.contains(&self.name(view.instance).as_str()) {
                known.push((view.instance, view.invocation.expect("it lives")));
            }
        }
        let (plan, next) = (old.plan().clone(), old.next_invocation());
        self.engine = Some(Engine::restore(plan, 1, self.now, next, &records, &known, old.ending()));
        self.tell_clock();
        self.tell(Event::Tick, "");
    }
}

fn fact_of(fact: &str, invocation: Invocation, rest: &str, words: &[&str]) -> Event {
    let class = match rest {
        "startup" => Class::Startup,
        "liveness" => Class::Liveness,
        _ => Class::Readiness,
    };
    let outcome = |passed| Outcome { passed, detail: if passed { "yes" } else { "refused" }.to_owned() };
    match fact {
        "spawned" => Event::Spawned { invocation },
        "spawn-fails" => {
            Event::SpawnFailed { invocation, failure: SpawnFailure { stage: Stage::Exec, errno: 2 } }
        }
        "exits" => {
            let exit = match (rest.parse(), Signal::parse(rest)) {
                (Ok(code), _) => ExitStatus::Code(code),
                (_, Some(signal)) => ExitStatus::Signal(signal),
                _ if rest == "out-of-memory" => ExitStatus::OutOfMemory { limit: Some(Size(64 << 20)) },
                _ => panic!("`{rest}` is no exit"),
            };
            Event::Exited { invocation, exit, stragglers: words.contains(&"stragglers") }
        }
        "emptied" => Event::Emptied { invocation },
        "ready" => Event::Ready { invocation },
        "stopping" => Event::Stopping { invocation },
        "extend" => Event::ExtendTimeout { invocation, by: read(rest) },
        "pass" => Event::ProbeFinished { invocation, class, outcome: outcome(true) },
        "refuse" => Event::ProbeFinished { invocation, class, outcome: outcome(false) },
        "reloaded" => Event::ReloadFinished { invocation, failure: None },
        "reload-fails" => Event::ReloadFinished { invocation, failure: Some("no".to_owned()) },
        "stop-command-ends" => Event::StopCommandFinished { invocation },
        _ => panic!("`{fact}` is no fact"),
    }
}

fn read(text: &str) -> Duration {
    duration::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn word(state: StateName) -> String {
    format!("{state:?}").to_lowercase()
}

/// Three failures, one success; eager until ready.
const PROBE: Schedule = Schedule {
    delay: Duration::ZERO,
    period: None,
    timeout: Duration::from_secs(1),
    failures: 2,
    successes: 1,
};

/// Reads one option of a plan line.
fn option(draft: Draft, word: &str) -> Draft {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    match key {
        "needs" => relation(draft, value),
        "after" => draft.after(&[value]),
        "disabled" => draft.disabled(),
        "replicas" => draft.replicas(value.parse().expect("a number")),
        "manual" => draft,
        "program" => draft.program(value),
        "watch" => draft.watch(plan::watch(value == "reload", value == "cascade")),
        _ => draft.rules(|rules| match key {
            "announced" => rules.readiness = Readiness::Announced,
            "probed" => rules.readiness = Readiness::Probed(PROBE),
            "delayed" => {
                rules.readiness = Readiness::Probed(Schedule { delay: read(value), successes: 2, ..PROBE });
            }
            "startup" => rules.startup = Some(PROBE),
            "liveness" => {
                rules.liveness = Some(PROBE);
                rules.on_liveness_failure = match value {
                    "ignore" => LivenessFailure::Ignore,
                    "stop" => LivenessFailure::Stop,
                    "shutdown" => LivenessFailure::Shutdown,
                    _ => LivenessFailure::Restart,
                };
            }
            "never" => rules.restart.when = RestartWhen::Never,
            "always" => rules.restart.when = RestartWhen::Always,
            "on-failure" => rules.restart.when = RestartWhen::OnFailure,
            "max" => {
                let (max, window) = value.split_once('/').expect("max=N/WINDOW");
                let max = Some(max.parse().expect("a number"));
                rules.restart = Restart { max, window: read(window), ..rules.restart };
            }
            "at-once" => rules.backoff.first = Duration::ZERO,
            "grace" => rules.stop.grace = read(value),
            "signal" => rules.stop.signal = Signal::parse(value).expect("a signal"),
            "main-only" => rules.stop.group = false,
            "stop-command" => rules.stop.command = true,
            "start-timeout" => rules.start_timeout = read(value),
            "every" => rules.schedule = Some(Box::new(scheduled(When::Every(read(value))))),
            "cron" => {
                let line = Cron::parse(&value.replace('_', " ")).expect("a cron line");
                rules.schedule = Some(Box::new(scheduled(When::Cron { line, zone: None })));
            }
            "zone" | "overlap" | "run-on-start" => {
                let schedule = rules.schedule.as_mut().expect("behind `every` or `cron`");
                match (key, value, &mut schedule.when) {
                    ("zone", _, When::Cron { zone, .. }) => *zone = Zone::find(value),
                    ("overlap", "queue", _) => schedule.overlap = Overlap::Queue,
                    ("overlap", "replace", _) => schedule.overlap = Overlap::Replace,
                    _ => schedule.run_on_start = true,
                }
            }
            "timeout" => rules.timeout = Some(read(value)),
            "success" => rules.success_codes = value.split(',').map(|c| c.parse().expect("a code")).collect(),
            "success-shuts-down" => rules.on_exit.success = Consequence::Shutdown,
            "failure-shuts-down" => rules.on_exit.failure = Consequence::Shutdown,
            _ => panic!("`{key}` is no option of a scenario"),
        }),
    }
}

fn scheduled(when: When) -> svc::graph::plan::Schedule {
    svc::graph::plan::Schedule { when, overlap: Overlap::Skip, run_on_start: false }
}

/// Reads `db`, `db:started`, `db:ready:soft:restart:5s`.
fn relation(draft: Draft, text: &str) -> Draft {
    let mut parts = text.split(':');
    let name = parts.next().expect("a name");
    let (mut condition, mut required, mut restart, mut timeout) = (Condition::Ready, true, false, None);
    for part in parts {
        match part {
            "soft" => required = false,
            "restart" => restart = true,
            part => match Condition::WORDS.iter().find(|(word, _)| *word == part) {
                Some(&(_, found)) => condition = found,
                None => timeout = Some(read(part)),
            },
        }
    }
    draft.link(name, Relation::DependsOn { condition, required, restart, timeout })
}
