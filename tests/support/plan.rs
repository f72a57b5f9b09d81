//! Plans made by hand, for tests of what works on a plan and needs no service file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use svc::base::{Name, Signal, Size};
use svc::diagnostic::Span;
use svc::graph::plan::{
    Edge, Extras, Ignore, Instance, InstanceId, Launch, LivenessFailure, Logs, Plan, Reaction, Readiness,
    Relation, Rules, Service, ServiceId, Watch,
};
use svc::model::policy::{Backoff, Condition, Consequence, Kind, OnExit, Restart, RestartWhen, Stop};
use svc::probe::Schedule;

/// A plan in the making. `service` and `task` begin one; what follows concerns the last one begun.
#[derive(Clone)]
pub(crate) struct Draft {
    plan: Plan,
    links: Vec<(ServiceId, String, Relation)>,
    /// What the programs of services are, where that matters.
    programs: BTreeMap<u32, String>,
    /// What services watch.
    watches: BTreeMap<u32, Watch>,
}

/// Begins a plan.
pub(crate) fn plan(project: &str) -> Draft {
    Draft {
        plan: Plan { project: project.to_owned(), ..Plan::default() },
        links: Vec::new(),
        programs: BTreeMap::new(),
        watches: BTreeMap::new(),
    }
}

/// A `depends-on` edge without anything out of the ordinary.
pub(crate) fn on(condition: Condition) -> Relation {
    Relation::DependsOn { condition, required: true, restart: false, timeout: None }
}

/// A watch with the usual debounce.
pub(crate) fn watch(reload: bool, cascade: bool) -> Watch {
    Watch {
        paths: vec!["/src".into()],
        ignore: Ignore::default(),
        debounce: Duration::from_millis(300),
        reaction: if reload { Reaction::Reload } else { Reaction::Restart },
        cascade,
    }
}

/// A probe schedule of one second.
pub(crate) const EVERY_SECOND: Schedule = Schedule {
    delay: Duration::ZERO,
    period: Some(Duration::from_secs(1)),
    timeout: Duration::from_secs(1),
    failures: 3,
    successes: 1,
};

/// The rules that are in force when a service file says nothing.
pub(crate) fn default_rules(kind: Kind) -> Rules {
    Rules {
        restart: Restart {
            when: match kind {
                Kind::Service => RestartWhen::OnFailure,
                Kind::Task => RestartWhen::Never,
            },
            max: None,
            window: Duration::from_secs(600),
        },
        backoff: Backoff {
            first: Duration::from_millis(500),
            factor: 2.0,
            limit: Duration::from_secs(30),
            reset: Duration::from_secs(30),
            jitter: 0.1,
        },
        stop: Stop { signal: Signal::TERM, grace: Duration::from_secs(10), group: true, command: false },
        on_exit: OnExit { success: Consequence::Ignore, failure: Consequence::Ignore },
        success_codes: vec![0],
        start_timeout: Duration::from_secs(60),
        timeout: None,
        readiness: Readiness::Started,
        startup: None,
        liveness: None,
        on_liveness_failure: LivenessFailure::Restart,
        watchdog: None,
        schedule: None,
    }
}

impl Draft {
    /// Begins a service.
    pub(crate) fn service(self, name: &str) -> Self {
        self.begin(name, Kind::Service)
    }

    /// Begins a task.
    pub(crate) fn task(self, name: &str) -> Self {
        self.begin(name, Kind::Task)
    }

    /// Makes it consist of `count` instances.
    pub(crate) fn replicas(mut self, count: u32) -> Self {
        self.last().instances.end = count;
        self
    }

    /// Disables it.
    pub(crate) fn disabled(mut self) -> Self {
        self.last().disabled = true;
        self
    }

    /// Gives it a readiness probe.
    pub(crate) fn probed(self) -> Self {
        self.rules(|rules| rules.readiness = Readiness::Probed(EVERY_SECOND))
    }

    /// Gives it another program.
    pub(crate) fn program(mut self, program: &str) -> Self {
        self.programs.insert(self.plan.services.len() as u32 - 1, program.to_owned());
        self
    }

    /// Gives it files to watch.
    pub(crate) fn watch(mut self, watch: Watch) -> Self {
        self.watches.insert(self.plan.services.len() as u32 - 1, watch);
        self
    }

    /// Changes its rules.
    pub(crate) fn rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.last().rules));
        self
    }

    /// Makes it wait until each of `names` is ready.
    pub(crate) fn needs(self, names: &[&str]) -> Self {
        names.iter().fold(self, |draft, name| draft.link(name, on(Condition::Ready)))
    }

    /// Orders it behind each of `names`.
    pub(crate) fn after(self, names: &[&str]) -> Self {
        names.iter().fold(self, |draft, name| draft.link(name, Relation::Order))
    }

    /// Puts a relation between it and `name`, which may be begun later.
    pub(crate) fn link(mut self, name: &str, relation: Relation) -> Self {
        let last = ServiceId(self.plan.services.len() as u32 - 1);
        self.links.push((last, name.to_owned(), relation));
        self
    }

    /// Finishes the plan.
    pub(crate) fn build(self) -> Plan {
        let Self { mut plan, links, programs, watches } = self;
        for (id, service) in plan.services.iter_mut().enumerate() {
            let (first, count) = (plan.instances.len() as u32, service.instances.end);
            service.instances = first..first + count;
            let program = programs.get(&(id as u32)).map_or("true", String::as_str);
            plan.instances.extend((0..count).map(|replica| {
                let mut instance = instance(&service.name, id as u32, replica, count, program);
                if let Some(watch) = watches.get(&(id as u32)) {
                    let extras = Extras { watch: Some(watch.clone()), ..Extras::default() };
                    Arc::make_mut(&mut instance.launch).extras = Some(Box::new(extras));
                }
                instance
            }));
        }
        let ids: BTreeMap<String, usize> =
            plan.services.iter().enumerate().map(|(id, service)| (service.name.to_string(), id)).collect();
        for (dependent, dependency, relation) in links {
            let dependency = &plan.services[ids[&dependency]];
            for dependent in plan.services[dependent.0 as usize].instances.clone().map(InstanceId) {
                let edges = dependency.instances.clone().map(InstanceId);
                let edges =
                    edges.map(|dependency| Edge { dependent, dependency, relation, span: Span::default() });
                plan.edges.extend(edges);
            }
        }
        plan.edges.sort_by_key(|edge| (edge.dependent, edge.dependency));
        plan
    }

    fn begin(mut self, name: &str, kind: Kind) -> Self {
        self.plan.services.push(Service {
            name: Name::new(name).expect("tests use good names"),
            span: Span::default(),
            kind,
            description: None,
            disabled: false,
            profiles: Vec::new(),
            inactive: false,
            scaled_from: None,
            instances: 0..1,
            rules: default_rules(kind).into(),
            event_listener: None,
            labels: Box::default(),
        });
        self
    }

    fn last(&mut self) -> &mut Service {
        self.plan.services.last_mut().expect("a service was begun")
    }
}

fn instance(name: &Name, service: u32, replica: u32, count: u32, program: &str) -> Instance {
    let name = if count == 1 { name.to_string() } else { format!("{name}.{replica}") };
    let launch = Launch {
        argv: vec![program.into()],
        command_span: Span::default(),
        display: "true".into(),
        env: Vec::new(),
        working_dir: Arc::from(Path::new("/")),
        working_dir_span: None,
        user: None,
        umask: None,
        logs: Logs::File { path: None, max_size: Size(10 << 20), keep: 5, extras: None },
        readiness: None,
        startup: None,
        liveness: None,
        stop_command: None,
        extras: None,
    };
    Instance {
        name: name.into(),
        service: ServiceId(service),
        replica,
        ports: Vec::new(),
        launch: Arc::new(launch),
    }
}
