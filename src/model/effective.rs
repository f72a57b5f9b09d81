//! A service as it is in force: made of one [`Settings`] in which all layers have been merged.
//!
//! What is built in is filled in here, and what is wrong with a service as a whole is said here. What is wrong in
//! one layer by itself was said when that was read: see [`crate::model::merge::check`].

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::duration::Exact;
use crate::base::{Name, Signal};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::change::Reaction;
use crate::model::node::dependency::NamesNode;
use crate::model::node::env::{EnvFileNode, EnvFiles, EnvNode};
use crate::model::node::label::labels;
use crate::model::node::listen::ListenNode;
use crate::model::node::settings::{
    BackoffNode, CodesNode, OnExitNode, RestartNode, Settings, StopNode, UserNode,
};
use crate::model::policy::{Backoff, Consequence, Kind, LivenessFailure, OnExit, Restart, RestartWhen, Stop};
use crate::model::service::{Command, FilePath, Service, User, Variable};
use crate::model::socket::Passed;
use crate::schema::{Context, One};

/// What was said about services: once, however many have it from one place.
#[derive(Debug, Default)]
pub struct Said(BTreeSet<(Span, &'static str)>);

impl Said {
    fn say(&mut self, diagnostic: Diagnostic, cx: &mut Context<'_>) {
        if self.0.insert((diagnostic.span(), diagnostic.code)) {
            cx.say(diagnostic);
        }
    }
}

/// A service with everything that is said about it.
#[derive(Debug)]
pub struct Effective {
    /// All layers merged.
    pub settings: Settings,
    /// Its name.
    pub name: Spanned<Name>,
    /// Whether it is a service or a task.
    pub kind: Kind,
    /// The folder of the file that declares it; absolute.
    pub folder: Arc<Path>,
    /// Where it is declared, with its block.
    pub declared: Span,
    /// Whether a part of it was lost in a syntax error.
    pub damaged: bool,
}

impl Effective {
    /// Makes the service. One that lacks something so that nothing more can be said about it, which has been
    /// said, is damaged.
    pub fn service(self, files: &mut dyn EnvFiles, said: &mut Said, cx: &mut Context<'_>) -> Service {
        self.check(said, cx);
        let Self { settings, name, kind, folder, declared: _, damaged } = self;
        let command = match (settings.command, settings.shell) {
            (Some(node), _) => node.command,
            (None, Some(shell)) => shell.value.map(|text| text.value.command()),
            (None, None) => None,
        };
        let readiness = settings.readiness.map(|node| node.probing());
        let on_liveness_failure = settings.liveness.as_ref().and_then(|node| node.on_failure);
        let (stop, stop_command) = stop(settings.stop);
        let schedule = match (settings.schedule, settings.every) {
            (Some(node), _) => node.schedule(),
            (None, Some(node)) => node.schedule(),
            (None, None) => None,
        };
        Service {
            damaged: damaged || command.is_none() || matches!(readiness, Some(None)),
            kind,
            description: one(settings.description),
            disabled: one(settings.disabled).unwrap_or(false),
            profiles: settings.profile.map_or_else(Vec::new, |node| node.names),
            replicas: settings.replicas.and_then(|node| node.replicas()),
            command: command.unwrap_or_default(),
            working_dir: one(settings.working_dir),
            folder,
            depends_on: joined(settings.depends_on.into_iter().map(|node| node.list)),
            after: names(settings.after),
            before: names(settings.before),
            env: variables(&settings.env_file, settings.env, files),
            ports: settings.port.into_iter().flat_map(|node| node.ports).collect(),
            readiness: readiness.flatten(),
            startup: settings.startup.and_then(|node| node.probing()).map(Box::new),
            liveness: settings.liveness.and_then(|node| node.probing()).map(Box::new),
            on_liveness_failure: on_liveness_failure.map_or(LivenessFailure::Restart, |on| on.value),
            restart: restart(settings.restart.as_ref(), kind),
            backoff: settings.backoff.unwrap_or_default().policy(),
            stop,
            stop_command,
            on_exit: on_exit(settings.on_exit),
            success_codes: success_codes(settings.success_codes),
            start_timeout: one(settings.start_timeout).unwrap_or(Duration::from_secs(60)),
            timeout: one(settings.timeout),
            user: settings.user.and_then(|node| user(*node)).map(Box::new),
            umask: one(settings.umask).map(|mode| mode.0),
            logs: settings.logs.unwrap_or_default().logs(),
            sockets: settings.listen.iter().filter_map(ListenNode::socket).collect(),
            limits: settings.limits.map(|node| Box::new(node.limits())),
            nice: one(settings.nice).map(|nice| nice.0),
            tty: settings.tty.and_then(|node| node.value).filter(|tty| tty.value).map(|tty| tty.span),
            forks: settings.forks.and_then(|node| node.forks()).map(Box::new),
            watchdog: settings.watchdog.and_then(|node| node.value),
            reload: settings.reload.and_then(|node| node.reload()).map(Box::new),
            watch: settings.watch.map(|node| Box::new(node.watch())),
            schedule: schedule.map(Box::new),
            event_listener: settings.event_listener.map(|node| Box::new(node.listener())),
            labels: labels(&settings.label).into(),
            name,
        }
    }

    /// Says what is wrong with all of it together.
    fn check(&self, said: &mut Said, cx: &mut Context<'_>) {
        let Self { settings, name, kind, .. } = self;
        if settings.command.is_none() && settings.shell.is_none() && !settings.mistaken && !self.damaged {
            let (word, name) = (kind.word(), &name.value);
            let message = format!("the {word} `{name}` does not say what to run");
            let diagnostic = Diagnostic::error("svc::missing", settings.span, message);
            said.say(diagnostic.help("add `command \"program\" \"argument\"`, or `shell \"…\"`"), cx);
        }
        match kind {
            Kind::Task => {
                if let Some(when) = settings.restart.as_ref().and_then(|node| node.when)
                    && when.value == RestartWhen::Always
                {
                    let message = "a task ends; `restart always` would never let it complete";
                    let diagnostic = Diagnostic::error("svc::task-restart", when.span, message)
                        .help("make it a `service`, or use `restart on-failure`");
                    said.say(self.for_whom(diagnostic), cx);
                }
            }
            Kind::Service => {
                if let Some(timeout) = &settings.timeout {
                    let message = "a service should keep running; only a task has a `timeout`";
                    let diagnostic = Diagnostic::error("svc::service-timeout", timeout.span, message)
                        .help("the time until it has to be ready is `start-timeout`");
                    said.say(self.for_whom(diagnostic), cx);
                }
            }
        }
        self.reachable_max(said, cx);
        self.kind_of_nodes(said, cx);
        self.once_stdin(said, cx);
        self.once_descriptor(said, cx);
        if let (Some(action), None) = (self.reacts_by_reload(), &self.settings.reload) {
            let message = "a change is to reload it, and nothing says how that is done";
            let diagnostic = Diagnostic::error("svc::watch-without-reload", action, message)
                .help("add `reload signal=SIGHUP`, or let a change restart it: `action=restart`");
            said.say(self.for_whom(diagnostic), cx);
        }
    }

    /// Returns where it is said that a change reloads it.
    fn reacts_by_reload(&self) -> Option<Span> {
        let action = self.settings.watch.as_ref()?.action?;
        (action.value == Reaction::Reload).then_some(action.span)
    }

    /// Says which nodes are for the other kind.
    fn kind_of_nodes(&self, said: &mut Said, cx: &mut Context<'_>) {
        let Settings { schedule, every, forks, reload, event_listener, replicas, .. } = &self.settings;
        let scheduled = schedule.as_ref().map(|node| ("schedule", node.span));
        let scheduled = scheduled.or(every.as_ref().map(|node| ("every", node.span)));
        match self.kind {
            Kind::Service => {
                if let Some((node, span)) = scheduled {
                    let message = format!("a service runs all the time; only a task has `{node}`");
                    let diagnostic = Diagnostic::error("svc::service-schedule", span, message)
                        .help(format!("make it a task: `task \"{}\" {{ … }}`", self.name.value));
                    said.say(self.for_whom(diagnostic), cx);
                }
            }
            Kind::Task => {
                if let (Some((node, span)), Some(replicas)) = (scheduled, replicas) {
                    let message =
                        format!("a task with `{node}` runs once each time, not several times at once");
                    let diagnostic = Diagnostic::error("svc::scheduled-replicas", span, message)
                        .label(replicas.span, "so many at once")
                        .help("remove `replicas`, or write a task for each");
                    said.say(self.for_whom(diagnostic), cx);
                }
                let nodes = [
                    ("forks", forks.as_ref().map(|node| node.span)),
                    ("reload", reload.as_ref().map(|node| node.span)),
                    ("event-listener", event_listener.as_ref().map(|node| node.span)),
                ];
                for (node, span) in nodes.into_iter().filter_map(|(node, span)| Some((node, span?))) {
                    let message = format!("a task ends; only a service has `{node}`");
                    let diagnostic = Diagnostic::error("svc::service-only", span, message)
                        .help("remove it, or make the task a `service`");
                    said.say(self.for_whom(diagnostic), cx);
                }
            }
        }
    }

    /// Says when more than one thing would be its stdin.
    fn once_stdin(&self, said: &mut Said, cx: &mut Context<'_>) {
        let Settings { listen, tty, event_listener, .. } = &self.settings;
        let socket = listen
            .iter()
            .filter_map(|node| node.passed.filter(|passed| passed.value == Passed::Stdin))
            .map(|passed| ("this socket", passed.span));
        let tty = tty.iter().filter_map(|node| node.value.filter(|tty| tty.value));
        let tty = tty.map(|tty| ("the terminal", tty.span));
        let events = event_listener.iter().map(|node| ("the events", node.span));
        let mut all = socket.chain(tty).chain(events);
        let Some((first, first_span)) = all.next() else { return };
        for (second, span) in all {
            let second = if second == first { "another socket" } else { second };
            let message = format!("its stdin cannot be {first} and {second} at once");
            let diagnostic = Diagnostic::error("svc::stdin-clash", span, message)
                .here(second)
                .label(first_span, first)
                .help("keep one of them; further sockets are passed from descriptor 3 on");
            said.say(self.for_whom(diagnostic), cx);
        }
    }

    /// Says that readiness is announced on a descriptor that is one of the sockets.
    fn once_descriptor(&self, said: &mut Said, cx: &mut Context<'_>) {
        let Settings { listen, readiness, .. } = &self.settings;
        let Some(fd) = readiness.as_ref().and_then(|node| node.fd) else { return };
        let is_numbered =
            |node: &&ListenNode| node.passed.is_none_or(|passed| passed.value == Passed::Descriptor);
        let Some(socket) =
            (3..).zip(listen.iter().filter(is_numbered)).find(|(number, _)| *number == fd.value.0)
        else {
            return;
        };
        let first_free = 3 + listen.iter().filter(is_numbered).count();
        let message = format!("descriptor {} is a socket that is passed to it", fd.value.0);
        let diagnostic = Diagnostic::error("svc::descriptor-clash", fd.span, message)
            .here("announced on it")
            .label(socket.1.span, "passed as it")
            .help(format!("sockets are passed from descriptor 3 on: write `fd={first_free}`"));
        said.say(self.for_whom(diagnostic), cx);
    }

    /// Adds which service a finding is about, when it is about what the service has from elsewhere.
    fn for_whom(&self, diagnostic: Diagnostic) -> Diagnostic {
        let at = diagnostic.span();
        if self.declared.lo <= at.lo && at.hi <= self.declared.hi {
            return diagnostic;
        }
        let text = format!("it holds for the {} `{}`", self.kind.word(), self.name.value);
        diagnostic.label(self.name.span, text)
    }

    /// Warns of a `max` that cannot be reached because the delays alone take longer than the window.
    fn reachable_max(&self, said: &mut Said, cx: &mut Context<'_>) {
        let Some(node) = &self.settings.restart else { return };
        let Some(Spanned { value: max, span }) = node.max else { return };
        let Restart { window, .. } = restart(Some(node), self.kind);
        let backoff = self
            .settings
            .backoff
            .as_ref()
            .map_or_else(|| BackoffNode::default().policy(), |node| node.policy());
        let mut total = 0.0;
        let mut delay = backoff.first.as_secs_f64();
        for _ in 0..max.min(100_000) {
            total += delay.min(backoff.limit.as_secs_f64()) * (1.0 - backoff.jitter);
            delay = (delay * backoff.factor).min(backoff.limit.as_secs_f64());
        }
        if total > window.as_secs_f64() {
            let window = Exact(window);
            let message =
                format!("{max} restarts never fit into {window}: the delays between them take longer");
            let diagnostic = Diagnostic::warning("svc::unreachable-max", span, message)
                .here("it would never give up")
                .help("a smaller `max`, a longer `window` or a smaller `backoff limit`");
            said.say(self.for_whom(diagnostic), cx);
        }
    }
}

/// Joins the variables of files and of `env` nodes; a later one of a name wins.
pub fn variables(file_nodes: &[EnvFileNode], nodes: Vec<EnvNode>, files: &mut dyn EnvFiles) -> Vec<Variable> {
    if file_nodes.is_empty() {
        return joined(nodes.into_iter().map(|node| node.variables));
    }
    let mut all = Vec::new();
    for node in file_nodes {
        let optional = node.optional.is_some_and(|optional| optional.value);
        for path in &node.paths {
            let FilePath { text, folder } = &path.value.0;
            all.extend(files.read(&folder.join(&text.raw), path.span, optional));
        }
    }
    all.extend(nodes.into_iter().flat_map(|node| node.variables));
    all
}

fn one<T>(node: Option<One<T>>) -> Option<T> {
    Some(node?.value?.value)
}

fn names(nodes: Vec<NamesNode>) -> Vec<Spanned<Name>> {
    joined(nodes.into_iter().map(|node| node.names))
}

/// Joins lists; a single one, which is the rule, is moved as it is.
fn joined<T>(mut lists: impl Iterator<Item = Vec<T>>) -> Vec<T> {
    let mut all = lists.next().unwrap_or_default();
    lists.for_each(|list| all.extend(list));
    all
}

fn restart(node: Option<&RestartNode>, kind: Kind) -> Restart {
    let builtin = match kind {
        Kind::Service => RestartWhen::OnFailure,
        Kind::Task => RestartWhen::Never,
    };
    Restart {
        when: node.and_then(|node| node.when).map_or(builtin, |when| when.value),
        max: node.and_then(|node| node.max).map(|max| max.value),
        window: node.and_then(|node| node.window).map_or(Duration::from_secs(600), |window| window.value),
    }
}

/// Returns how it is stopped, and what runs before the signal.
fn stop(node: Option<StopNode>) -> (Stop, Option<Vec<crate::model::Text>>) {
    let node = node.unwrap_or_default();
    let command = node.command.and_then(|node| node.command).map(|Command { argv, .. }| argv);
    let stop = Stop {
        signal: node.signal.map_or(Signal::TERM, |signal| signal.value),
        grace: node.grace.map_or(Duration::from_secs(10), |grace| grace.value),
        group: node.group.is_none_or(|group| group.value),
        command: command.is_some(),
    };
    (stop, command)
}

fn on_exit(node: Option<OnExitNode>) -> OnExit {
    let node = node.unwrap_or_default();
    let of = |value: Option<Spanned<Consequence>>| value.map_or(Consequence::Ignore, |value| value.value);
    OnExit { success: of(node.success), failure: of(node.failure) }
}

fn success_codes(node: Option<CodesNode>) -> Vec<i32> {
    let Some(node) = node else { return vec![0] };
    let mut codes: Vec<i32> = node.codes.iter().map(|code| code.value.0).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

impl BackoffNode {
    /// Returns the delays it stands for.
    pub fn policy(&self) -> Backoff {
        let limit = self.limit.map_or(Duration::from_secs(30), |limit| limit.value);
        Backoff {
            first: self.first.map_or(Duration::from_millis(500), |first| first.value),
            factor: self.factor.map_or(2.0, |factor| factor.value),
            limit,
            reset: self.reset.map_or(limit, |reset| reset.value),
            jitter: self.jitter.map_or(0.1, |jitter| jitter.value),
        }
    }
}

fn user(node: UserNode) -> Option<User> {
    let groups = node.groups.map(|groups| {
        groups.value.split_whitespace().map(|group| Spanned::new(group.to_owned(), groups.span)).collect()
    });
    Some(User { name: node.user?, group: node.group, groups })
}
