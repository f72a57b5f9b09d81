//! The frozen plan: what `check`, `graph`, the engine and every printer work from.
//!
//! Everything is resolved: names are ids, variables are values, replicas are instances, defaults
//! are filled in. Nothing changes a plan; a changed service file makes another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Name, SharedStr, Shares, Signal, Size};
use crate::diagnostic::Span;
pub use crate::model::change::Reaction;
use crate::model::control::PasswordHash;
pub use crate::model::event::Event;
pub use crate::model::event::Length;
pub use crate::model::ignore::Ignore;
pub use crate::model::limits::{Bound, Resource};
pub use crate::model::logs::{ForwardForm, LineForm};
pub use crate::model::policy::LivenessFailure;
use crate::model::policy::{Backoff, Condition, Kind, OnExit, Restart, Stop};
pub use crate::model::schedule::{Overlap, Schedule, When};
pub use crate::model::service::Label;
pub use crate::model::socket::Passed;
use crate::probe::{self, Exec, Probe};

/// A service or task of a plan: its position in [`Plan::services`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u32);

/// An instance of a plan: its position in [`Plan::instances`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// Everything that should run, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The project's name, as people see it.
    pub project: String,
    /// How svc can be reached.
    pub control: Control,
    /// Services and tasks, in the order of the file.
    pub services: Vec<Service>,
    /// Instances, those of one service side by side and in the order of the services.
    pub instances: Vec<Instance>,
    /// Groups, in the order of the file.
    pub groups: Vec<Group>,
    /// Edges, sorted by dependent, then dependency. There is no loop in them.
    pub edges: Vec<Edge>,
}

/// How svc can be reached, besides by the socket that every project has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Sockets, at most one of them without a path.
    pub sockets: Vec<ControlSocket>,
    /// Addresses for HTTP.
    pub http: Vec<ControlHttp>,
}

/// A socket that svc is asked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSocket {
    /// Where, absolute; `None` for the one that every project has.
    pub path: Option<PathBuf>,
    /// Its file mode.
    pub mode: u32,
    /// Whose it is, `USER` or `USER:GROUP`; `None` for svc's own user.
    pub owner: Option<String>,
}

/// An address that svc is asked on over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlHttp {
    /// A name or an address, an IPv6 one in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who may ask, with the hash of the password; everybody when there is nobody here.
    pub users: Vec<(Name, PasswordHash)>,
}

/// What the instances of one service share.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Where the name is declared.
    pub span: Span,
    /// Whether it should keep running or end.
    pub kind: Kind,
    /// What a person wrote about it.
    pub description: Option<String>,
    /// Whether the file says that it is not started unless it is named or something depends on it.
    pub disabled: bool,
    /// The profiles it belongs to; without one it is in all of them.
    pub profiles: Vec<Name>,
    /// Whether it belongs to profiles and none of them is active: it is treated as if it were disabled.
    pub inactive: bool,
    /// Its instances: positions in [`Plan::instances`].
    pub instances: std::ops::Range<u32>,
    /// How many instances the service file says, when an operator asked for another number.
    pub scaled_from: Option<u32>,
    /// The rules it is supervised by; neighbours with equal ones share them.
    pub rules: Arc<Rules>,
    /// What it is told of, if it is an event listener.
    pub event_listener: Option<Box<EventListener>>,
    /// What people sort their services by; sorted by key.
    pub labels: Box<[Label]>,
}

impl Service {
    /// Returns whether `up` leaves it out unless it is named or something depends on it.
    pub fn is_off(&self) -> bool {
        self.disabled || self.inactive
    }
}

/// One name for several services.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: Name,
    /// Where the name is declared.
    pub span: Span,
    /// Its services, in the order they are written.
    pub members: Vec<ServiceId>,
}

/// The rules a service is supervised by: all that the engine needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// When it is started again.
    pub restart: Restart,
    /// How long it waits before that.
    pub backoff: Backoff,
    /// How it is stopped.
    pub stop: Stop,
    /// What its end means for the project.
    pub on_exit: OnExit,
    /// Exit codes that are a success; sorted.
    pub success_codes: Vec<i32>,
    /// How long it may take from launch to ready.
    pub start_timeout: Duration,
    /// How long a task may run in all; `None` for no limit.
    pub timeout: Option<Duration>,
    /// How it becomes ready.
    pub readiness: Readiness,
    /// How slow starters are waited for before liveness counts.
    pub startup: Option<probe::Schedule>,
    /// How it is found to be alive.
    pub liveness: Option<probe::Schedule>,
    /// What a failed liveness leads to.
    pub on_liveness_failure: LivenessFailure,
    /// How long it may be silent until it counts as hung; `None` for ever.
    pub watchdog: Option<Duration>,
    /// When a task runs by itself.
    pub schedule: Option<Box<Schedule>>,
}

/// How an instance becomes ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// As soon as its process is started.
    Started,
    /// It says so itself: by `sd_notify`, a line on a descriptor, a line in its log.
    Announced,
    /// A probe is asked.
    Probed(probe::Schedule),
}

/// One of the processes a service consists of.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name: the service's, or with replicas the service's and a number (`api.0`).
    pub name: Arc<str>,
    /// The service it belongs to.
    pub service: ServiceId,
    /// Which of the replicas it is, from 0.
    pub replica: u32,
    /// The ports it was given: name (empty for the unnamed one) and number.
    pub ports: Vec<(String, u16)>,
    /// How its process is made.
    pub launch: Arc<Launch>,
}

/// How a process is made: everything resolved.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program and its arguments; a `shell` is `/bin/sh -c TEXT`.
    pub argv: Vec<SharedStr>,
    /// Where the command is written.
    pub command_span: Span,
    /// The command line as a person wrote it, for display.
    pub display: SharedStr,
    /// What the service adds to svc's own environment; `None` removes a variable. Sorted by name, each
    /// name once. Names and values are shared, since most of them stand in every instance.
    pub env: Vec<(SharedStr, Option<SharedStr>)>,
    /// Where it runs; absolute.
    pub working_dir: Arc<Path>,
    /// Where the working directory is written, if it is.
    pub working_dir_span: Option<Span>,
    /// Whom it runs as; `None` for svc's own user.
    pub user: Option<User>,
    /// Its file mode creation mask; `None` for svc's own.
    pub umask: Option<u32>,
    /// Where its output goes.
    pub logs: Logs,
    /// How readiness is found out.
    pub readiness: Option<Probe>,
    /// How a slow start is found to be over.
    pub startup: Option<Probe>,
    /// How liveness is found out.
    pub liveness: Option<Probe>,
    /// What runs before the stop signal.
    pub stop_command: Option<Exec>,
    /// What most do without.
    pub extras: Option<Box<Extras>>,
}

/// What can be said of a launch and mostly is not; everything resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Sockets that svc opens and passes, in the order of their descriptors.
    pub sockets: Vec<Socket>,
    /// What its processes may use together.
    pub shares: Shares,
    /// What each of its processes may use by itself, each resource once.
    pub limits: Vec<(Resource, Bound)>,
    /// Its priority for the processor, −20 to 19; `None` for svc's own.
    pub nice: Option<i8>,
    /// Whether it has the terminal of `svc up`.
    pub tty: bool,
    /// The file in which a service that puts itself into the background leaves its number; absolute.
    pub pid_file: Option<PathBuf>,
    /// How it is told to read its configuration again.
    pub reload: Option<Reload>,
    /// Files whose change leads to something.
    pub watch: Option<Watch>,
}

/// A socket that svc opens and passes. Instances with the same address share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where.
    pub address: Address,
    /// What `LISTEN_FDNAMES` calls it.
    pub name: String,
    /// How it is passed.
    pub passed: Passed,
    /// Where it is written.
    pub span: Span,
}

impl Socket {
    /// Returns whether another one is the same, wherever it is written.
    pub fn is(&self, other: &Self) -> bool {
        (&self.address, &self.name, self.passed) == (&other.address, &other.name, other.passed)
    }
}

/// What a socket is opened on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// Connections to this host, a name or an address, an IPv6 one in brackets, and port.
    Tcp(String, u16),
    /// Datagrams to this host and port.
    Udp(String, u16),
    /// Connections to this path, which gets this mode.
    Unix(PathBuf, u32),
}

/// How a running instance is told to read its configuration again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// By this signal.
    Signal(Signal),
    /// By this command.
    Command(Exec),
}

/// Files whose change leads to something.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Files, and folders with everything in them; absolute.
    pub paths: Vec<PathBuf>,
    /// What does not count in them.
    pub ignore: Ignore,
    /// How long it has to be quiet after a change.
    pub debounce: Duration,
    /// What a change leads to.
    pub reaction: Reaction,
    /// Whether what depends on it is restarted too.
    pub cascade: bool,
}

/// Whom a process runs as: names or numbers, as written; looked up when the plan is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name, or its number in digits.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Where the user is written.
    pub span: Span,
}

/// What an event listener is told of, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventListener {
    /// Of what.
    pub events: Vec<Event>,
    /// How many events are kept until it has time; past it the oldest is dropped.
    pub buffer: u32,
    /// What the length of an event counts.
    pub length: Length,
}

/// Where the output of a process goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere.
    None,
    /// To where svc's own output goes.
    Inherit,
    /// To a file that svc rotates.
    File {
        /// The file; `None` for the default place under the state directory.
        path: Option<PathBuf>,
        /// The size at which it is rotated; zero for never.
        max_size: Size,
        /// How many rotated files are kept.
        keep: u32,
        /// What most do without.
        extras: Option<Box<LogExtras>>,
    },
}

/// How the outputs of a process get to svc. A running process cannot change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// By one pipe, in order.
    Together,
    /// By two pipes, into two files.
    Apart,
    /// By two pipes, into one file whose lines tell which.
    Joined,
}

impl Logs {
    /// Returns how the outputs get to svc; `None` when they do not.
    pub fn wiring(&self) -> Option<Wiring> {
        let Self::File { extras, .. } = self else { return None };
        let extras = extras.as_ref();
        Some(if extras.is_some_and(|extras| extras.stderr.is_some()) {
            Wiring::Apart
        } else if extras.is_some_and(|extras| extras.form == Some(LineForm::Json)) {
            Wiring::Joined
        } else {
            Wiring::Together
        })
    }
}

/// What else can be said of a log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogExtras {
    /// Whether rotated files are compressed.
    pub compress: bool,
    /// What a line of the file is; `None` for the line as it was written.
    pub form: Option<LineForm>,
    /// The file for stderr; `None` for the same.
    pub stderr: Option<PathBuf>,
    /// Whether each line goes to the machine's syslog too.
    pub syslog: bool,
    /// Where each line goes over the network too.
    pub forward: Vec<(Address, ForwardForm)>,
}

/// A relation between two services, as it is written; it holds between all their instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The one that waits.
    pub dependent: ServiceId,
    /// The one it waits for.
    pub dependency: ServiceId,
    /// What holds between them.
    pub relation: Relation,
    /// Where it was written.
    pub span: Span,
}

/// A relation between two instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The one that waits.
    pub dependent: InstanceId,
    /// The one it waits for.
    pub dependency: InstanceId,
    /// What holds between them.
    pub relation: Relation,
    /// Where it was written.
    pub span: Span,
}

/// What holds between a dependent and its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `depends-on`.
    DependsOn {
        /// What the dependent waits for.
        condition: Condition,
        /// Whether the dependent cannot be without it.
        required: bool,
        /// Whether an automatic restart of the dependency restarts the dependent.
        restart: bool,
        /// How long the dependent waits; `None` for as long as it takes.
        timeout: Option<Duration>,
    },
    /// `after` and `before`: order only; pulls nothing in and stops nothing.
    Order,
}

impl Plan {
    /// Iterates over all instances with their ids.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        self.instances.iter().enumerate().map(|(index, instance)| (InstanceId(index as u32), instance))
    }

    /// Returns an instance.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.0 as usize]
    }

    /// Returns the service of an instance.
    pub fn service_of(&self, id: InstanceId) -> &Service {
        &self.services[self.instance(id).service.0 as usize]
    }

    /// Returns the rules of an instance.
    pub fn rules(&self, id: InstanceId) -> &Rules {
        &self.service_of(id).rules
    }

    /// Iterates over all services with their ids.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &Service)> {
        self.services.iter().enumerate().map(|(index, service)| (ServiceId(index as u32), service))
    }

    /// Returns a service.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.0 as usize]
    }

    /// Returns the edges of what `id` waits for.
    pub fn waits_for(&self, id: InstanceId) -> &[Edge] {
        let start = self.edges.partition_point(|edge| edge.dependent < id);
        let rest = &self.edges[start..];
        &rest[..rest.partition_point(|edge| edge.dependent == id)]
    }

    /// Iterates over the relations between services, each once however many replicas there are; in
    /// the order of the dependents, then of the dependencies.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        let first = |id: InstanceId| (self.instance(id).replica == 0).then_some(self.instance(id).service);
        self.edges.iter().filter_map(move |edge| {
            let (dependent, dependency) = (first(edge.dependent)?, first(edge.dependency)?);
            Some(Link { dependent, dependency, relation: edge.relation, span: edge.span })
        })
    }

    /// Iterates over the names of services and groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let groups = self.groups.iter().map(|group| group.name.as_str());
        self.services.iter().map(|service| service.name.as_str()).chain(groups)
    }

    /// Returns the instances that `name` means: all of a service, one of them (`api.0`), all of a group, or all whose
    /// service or own name matches a pattern (`api-*`).
    pub fn find(&self, name: &str) -> Vec<InstanceId> {
        if let Some(service) = self.services.iter().find(|s| s.name.as_str() == name) {
            return service.instances.clone().map(InstanceId).collect();
        }
        if let Some(group) = self.groups.iter().find(|group| group.name.as_str() == name) {
            let members = group.members.iter().flat_map(|&id| self.service(id).instances.clone());
            return members.map(InstanceId).collect();
        }
        let pattern = name.contains(['*', '?', '[']).then(|| glob::Pattern::new(name).ok()).flatten();
        let is_meant = |id: InstanceId, instance: &Instance| match &pattern {
            Some(pattern) => {
                pattern.matches(&instance.name) || pattern.matches(self.service_of(id).name.as_str())
            }
            None => &*instance.name == name,
        };
        self.instances().filter(|&(id, instance)| is_meant(id, instance)).map(|(id, _)| id).collect()
    }
}
