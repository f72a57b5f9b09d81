//! A service as it is in force: what it says itself, over what `defaults` say, over what is built in.
//!
//! A node of the service replaces the whole node of that name in `defaults`; `env`, `depends-on` and
//! `port` merge by key. What is wrong in one service alone is said here.

use std::time::Duration;

use crate::base::{Name, Signal, Size};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::model::node::dependency::NamesNode;
use crate::model::node::env::{EnvFileNode, EnvFiles, EnvNode};
use crate::model::node::probe::ProbeNode;
use crate::model::node::settings::{
    BackoffNode, LogsNode, OnExitNode, RestartNode, Settings, StopNode, UserNode,
};
use crate::model::node::value::Output;
use crate::model::policy::{Backoff, Consequence, Kind, LivenessFailure, OnExit, Restart, RestartWhen, Stop};
use crate::model::service::{Command, Dependency, FilePath, Logs, Port, Probing, Service, User, Variable};
use crate::probe::Class;
use crate::schema::{Context, One};

/// What a service is declared with.
pub struct Declared<'a> {
    /// Its own node.
    pub own: Settings,
    /// What holds for all of them.
    pub defaults: &'a Settings,
    /// Whether it is a service or a task.
    pub kind: Kind,
    /// The name of the node: `service` or `task`.
    pub word: &'a str,
}

impl Declared<'_> {
    /// Puts everything together; `None` without a name. What is missing so that nothing more can be said
    /// about it, which has been said, leaves it damaged.
    pub fn service(self, files: &mut dyn EnvFiles, cx: &mut Context<'_>) -> Option<Service> {
        let Self { own, defaults, kind, .. } = &self;
        let name = own.name.clone()?;
        let before = cx.mistakes();
        let command = self.command(cx);
        let stop = own.stop.as_ref().or(defaults.stop.as_ref());
        let restart = self.restart(cx);
        let backoff = backoff(own.backoff.as_ref().or(defaults.backoff.as_ref()), cx);
        unreachable_max(own.restart.as_ref(), restart, backoff, cx);
        let readiness = self.probe(|s| s.readiness.as_ref(), Class::Readiness, cx);
        let startup = self.probe(|s| s.startup.as_ref(), Class::Startup, cx);
        let liveness_node = own.liveness.as_ref().or(defaults.liveness.as_ref());
        let liveness = self.probe(|s| s.liveness.as_ref(), Class::Liveness, cx);
        let depends_on = self.depends_on(cx);
        let mut service = Service {
            damaged: command.is_none(),
            kind: *kind,
            description: one(&own.description, &defaults.description),
            disabled: one(&own.disabled, &defaults.disabled).unwrap_or(false),
            replicas: own
                .replicas
                .as_ref()
                .or(defaults.replicas.as_ref())
                .and_then(|replicas| replicas.value)
                .map(|r| Spanned::new(r.value.0, r.span)),
            working_dir: one(&own.working_dir, &defaults.working_dir),
            folder: cx.folder.clone(),
            depends_on,
            after: names(&own.after, &defaults.after, &name.value),
            before: names(&own.before, &defaults.before, &name.value),
            env: self.env(files),
            ports: self.ports(cx),
            readiness,
            startup,
            liveness,
            on_liveness_failure: liveness_node
                .and_then(|node| node.on_failure)
                .map_or(LivenessFailure::Restart, |on| on.value),
            restart,
            backoff,
            stop: stop_of(stop),
            stop_command: stop
                .and_then(|stop| stop.command.as_ref())
                .and_then(|node| node.command.as_ref())
                .map(|c| c.argv.clone()),
            on_exit: on_exit(own.on_exit.as_ref().or(defaults.on_exit.as_ref())),
            success_codes: self.success_codes(),
            start_timeout: one(&own.start_timeout, &defaults.start_timeout)
                .unwrap_or(Duration::from_secs(60)),
            timeout: self.timeout(cx),
            user: own.user.as_ref().or(defaults.user.as_ref()).and_then(user),
            umask: one(&own.umask, &defaults.umask).map(|mode| mode.0),
            logs: logs(own.logs.as_ref().or(defaults.logs.as_ref())),
            name,
            command: command.unwrap_or_default(),
        };
        let lost = |node: Option<&ProbeNode>, read: &Option<Probing>| node.is_some() && read.is_none();
        let readiness_lost = lost(own.readiness.as_ref().or(defaults.readiness.as_ref()), &service.readiness);
        service.damaged |= readiness_lost && before != cx.mistakes();
        Some(service)
    }

    fn command(&self, cx: &mut Context<'_>) -> Option<Command> {
        let Self { own, defaults, word, .. } = self;
        if let (Some(command), Some(shell)) = (&own.command, &own.shell) {
            let diagnostic =
                Diagnostic::error("svc::command-and-shell", shell.span, "there is a `command` and a `shell`");
            cx.say(diagnostic.here("this").label(command.span, "and this").help("keep one of them"));
        }
        let of = |settings: &Settings| match (&settings.command, &settings.shell) {
            (Some(node), _) => Some(node.command.clone()),
            (None, Some(shell)) => Some(shell.value.as_ref().map(|text| text.value.command())),
            (None, None) => None,
        };
        let found = of(own).or_else(|| of(defaults));
        if found.is_none() && !own.mistaken && !cx.is_damaged(own.span) {
            let name = own.name.as_ref().map_or("", |name| name.value.as_str());
            let diagnostic = Diagnostic::error(
                "svc::missing",
                own.span,
                format!("the {word} `{name}` does not say what to run"),
            );
            cx.say(diagnostic.help("add `command \"program\" \"argument\"`, or `shell \"…\"`"));
        }
        found?
    }

    fn restart(&self, cx: &mut Context<'_>) -> Restart {
        let Self { own, defaults, kind, .. } = self;
        let node: Option<&RestartNode> = own.restart.as_ref().or(defaults.restart.as_ref());
        let builtin = match kind {
            Kind::Service => RestartWhen::OnFailure,
            Kind::Task => RestartWhen::Never,
        };
        // What holds for all services is not meant for tasks, which end.
        let inherited = own.restart.is_none() && *kind == Kind::Task;
        let when = node.and_then(|node| node.when).filter(|_| !inherited);
        if let Some(when) = when
            && when.value == RestartWhen::Always
            && *kind == Kind::Task
        {
            let diagnostic = Diagnostic::error(
                "svc::task-restart",
                when.span,
                "a task ends; `restart always` would never let it complete",
            );
            cx.say(diagnostic.help("make it a `service`, or use `restart on-failure`"));
        }
        Restart {
            when: when.map_or(builtin, |when| when.value),
            max: node.and_then(|node| node.max).map(|max| max.value),
            window: node.and_then(|node| node.window).map_or(Duration::from_secs(600), |window| window.value),
        }
    }

    fn probe(
        &self,
        of: impl Fn(&Settings) -> Option<&ProbeNode>,
        class: Class,
        cx: &mut Context<'_>,
    ) -> Option<Probing> {
        let node = of(&self.own);
        match node {
            Some(node) => {
                // A mistake inside the node has been said; what it seems to lack may be what was wrong.
                let damaged = cx.is_damaged(node.span);
                let mut say = |diagnostic: Diagnostic| {
                    if diagnostic.code != "svc::missing" || !damaged {
                        cx.say(diagnostic);
                    }
                };
                node.probing(class, &mut say)
            }
            // Said once, where `defaults` were read.
            None => of(self.defaults)?.probing(class, &mut |_| {}),
        }
    }

    fn depends_on(&self, cx: &mut Context<'_>) -> Vec<Dependency> {
        let mut list: Vec<Dependency> = Vec::new();
        for dependency in self.own.depends_on.iter().flat_map(|node| &node.list) {
            if let Some(first) = list.iter().find(|d| d.name.value == dependency.name.value) {
                let what = format!("the dependency `{}`", dependency.name.value);
                cx.twice("svc::duplicate-dependency", &what, first.name.span, dependency.name.span);
                continue;
            }
            list.push(dependency.clone());
        }
        for dependency in self.defaults.depends_on.iter().flat_map(|node| &node.list) {
            let own = self.own.name.as_ref().is_some_and(|name| name.value == dependency.name.value);
            if !own && !list.iter().any(|d| d.name.value == dependency.name.value) {
                list.push(dependency.clone());
            }
        }
        list
    }

    fn env(&self, files: &mut dyn EnvFiles) -> Vec<Variable> {
        let reset = self.own.env.iter().any(|node| node.reset);
        let defaults = (!reset).then_some(self.defaults);
        let file_nodes = defaults.iter().flat_map(|d| &d.env_file).chain(&self.own.env_file);
        let nodes = defaults.iter().flat_map(|d| &d.env).chain(&self.own.env);
        variables(file_nodes, nodes, files)
    }

    fn ports(&self, cx: &mut Context<'_>) -> Vec<Port> {
        let mut ports: Vec<Port> = Vec::new();
        for port in self.own.port.iter().flat_map(|node| &node.ports) {
            if let Some(first) = ports.iter().find(|p| p.name == port.name) {
                cx.twice("svc::duplicate-property", "this port", first.number.span, port.number.span);
                continue;
            }
            ports.push(port.clone());
        }
        for port in self.defaults.port.iter().flat_map(|node| &node.ports) {
            if !ports.iter().any(|p| p.name == port.name) {
                ports.push(port.clone());
            }
        }
        ports
    }

    fn success_codes(&self) -> Vec<i32> {
        let node = self.own.success_codes.as_ref().or(self.defaults.success_codes.as_ref());
        let mut codes: Vec<i32> =
            node.map_or(vec![0], |node| node.codes.iter().map(|code| code.value.0).collect());
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn timeout(&self, cx: &mut Context<'_>) -> Option<Duration> {
        if let Some(timeout) = &self.own.timeout
            && self.kind == Kind::Service
        {
            let diagnostic = Diagnostic::error(
                "svc::service-timeout",
                timeout.span,
                "a service should keep running; only a task has a `timeout`",
            );
            cx.say(diagnostic.help("the time until it has to be ready is `start-timeout`"));
        }
        let timeout = one(&self.own.timeout, &self.defaults.timeout);
        timeout.filter(|_| self.kind == Kind::Task)
    }
}

/// Says what is wrong in `defaults` by themselves.
pub fn check_defaults(defaults: &Settings, cx: &mut Context<'_>) {
    for (node, class) in [
        (&defaults.readiness, Class::Readiness),
        (&defaults.liveness, Class::Liveness),
        (&defaults.startup, Class::Startup),
    ] {
        if let Some(node) = node {
            node.probing(class, &mut |diagnostic| cx.say(diagnostic));
        }
    }
}

/// Joins the variables of files and of `env` nodes; a later one of a name wins.
pub fn variables<'a>(
    file_nodes: impl Iterator<Item = &'a EnvFileNode>,
    nodes: impl Iterator<Item = &'a EnvNode>,
    files: &mut dyn EnvFiles,
) -> Vec<Variable> {
    let mut all = Vec::new();
    for node in file_nodes {
        let optional = node.optional.is_some_and(|optional| optional.value);
        for path in &node.paths {
            let FilePath { text, folder } = &path.value.0;
            all.extend(files.read(&folder.join(&text.raw), path.span, optional));
        }
    }
    all.extend(nodes.flat_map(|node| node.variables.iter().cloned()));
    all
}

fn one<T: Clone>(own: &Option<One<T>>, defaults: &Option<One<T>>) -> Option<T> {
    own.as_ref().or(defaults.as_ref())?.value.as_ref().map(|value| value.value.clone())
}

/// Joins names; one in `defaults` that is the service's own is meant for the others.
fn names(own: &[NamesNode], defaults: &[NamesNode], name: &Name) -> Vec<Spanned<Name>> {
    let inherited = defaults.iter().flat_map(|node| &node.names).filter(|other| other.value != *name);
    own.iter().flat_map(|node| &node.names).chain(inherited).cloned().collect()
}

fn stop_of(node: Option<&StopNode>) -> Stop {
    Stop {
        signal: node.and_then(|node| node.signal).map_or(Signal::TERM, |signal| signal.value),
        grace: node.and_then(|node| node.grace).map_or(Duration::from_secs(10), |grace| grace.value),
        group: node.and_then(|node| node.group).is_none_or(|group| group.value),
        command: node.and_then(|node| node.command.as_ref()).is_some_and(|node| node.command.is_some()),
    }
}

fn on_exit(node: Option<&OnExitNode>) -> OnExit {
    let of = |value: Option<Spanned<Consequence>>| value.map_or(Consequence::Ignore, |value| value.value);
    OnExit {
        success: of(node.and_then(|node| node.success)),
        failure: of(node.and_then(|node| node.failure)),
    }
}

fn backoff(node: Option<&BackoffNode>, cx: &mut Context<'_>) -> Backoff {
    let plain = BackoffNode::default();
    let node = node.unwrap_or(&plain);
    let first = node.first.map_or(Duration::from_millis(500), |first| first.value);
    let limit = node.limit.map_or(Duration::from_secs(30), |limit| limit.value);
    let mut number = |value: Option<Spanned<f64>>, (low, high): (f64, f64), default: f64| {
        let Some(Spanned { value, span }) = value else { return default };
        if !(low..=high).contains(&value) {
            let message = format!("{value} is out of range");
            cx.say(
                Diagnostic::error("svc::out-of-range", span, message)
                    .help(format!("it goes from {low} to {high}")),
            );
        }
        value
    };
    let factor = number(node.factor, (1.0, 1000.0), 2.0);
    let jitter = number(node.jitter, (0.0, 1.0), 0.1);
    if limit < first {
        let spans = (node.first.map(|first| first.span), node.limit.map(|limit| limit.span));
        let place = spans.1.or(spans.0).unwrap_or(node.span);
        let shown = |duration| crate::base::duration::Exact(duration);
        let message =
            format!("the longest delay, {}, is below the first one, {}", shown(limit), shown(first));
        let mut diagnostic = Diagnostic::error("svc::backoff-limit", place, message);
        if let (Some(first), Some(_)) = spans {
            diagnostic = diagnostic.label(first, "the first delay");
        }
        cx.say(diagnostic.help(format!("write `limit=\"{}\"` or more", shown(first))));
    }
    let reset = node.reset.map_or(limit, |reset| reset.value);
    Backoff { first, factor, limit, reset, jitter }
}

/// Warns of a `max` that cannot be reached because the delays alone take longer than the window.
fn unreachable_max(node: Option<&RestartNode>, restart: Restart, backoff: Backoff, cx: &mut Context<'_>) {
    let Some(Spanned { value: max, span }) = node.and_then(|node| node.max) else { return };
    let mut total = 0.0;
    let mut delay = backoff.first.as_secs_f64();
    for _ in 0..max.min(100_000) {
        total += delay.min(backoff.limit.as_secs_f64()) * (1.0 - backoff.jitter);
        delay = (delay * backoff.factor).min(backoff.limit.as_secs_f64());
    }
    if total > restart.window.as_secs_f64() {
        let window = crate::base::duration::Exact(restart.window);
        let message = format!("{max} restarts never fit into {window}: the delays between them take longer");
        let diagnostic = Diagnostic::warning("svc::unreachable-max", span, message);
        cx.say(
            diagnostic
                .here("it would never give up")
                .help("a smaller `max`, a longer `window` or a smaller `backoff limit`"),
        );
    }
}

fn user(node: &UserNode) -> Option<User> {
    let name = node.user.clone()?;
    let groups = node.groups.as_ref().map(|groups| {
        groups.value.split_whitespace().map(|group| Spanned::new(group.to_owned(), groups.span)).collect()
    });
    Some(User { name, group: node.group.clone(), groups })
}

fn logs(node: Option<&LogsNode>) -> Logs {
    let path = match node.and_then(|node| node.output.as_ref()).map(|output| &output.value) {
        Some(Output::None) => return Logs::None,
        Some(Output::Inherit) => return Logs::Inherit,
        Some(Output::File(path)) => Some(path.clone()),
        None => None,
    };
    Logs::File {
        path,
        max_size: node.and_then(|node| node.max_size).map_or(Size(10 << 20), |size| size.value),
        keep: node.and_then(|node| node.keep).map_or(5, |keep| keep.value),
    }
}
