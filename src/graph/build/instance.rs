//! One instance: its name, its ports, its variables, and how its process is made.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Name, SharedStr};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned};
use crate::graph::build::{Account, World, probe, process};
use crate::graph::check::{FileUse, PortUse, SocketUse};
use crate::graph::plan::{Extras, Instance, InstanceId, Launch, Logs, ServiceId, Socket, User};
use crate::graph::ports::{AUTO_PORTS, AutoPort};
use crate::graph::variables::{Common, Definition, Variables, joined};
use crate::model;
use crate::model::service::{self, FilePath, PortNumber, Probing, Service, Variable};
use crate::model::text::Text;
use crate::probe::Exec;

/// Makes instances, one after another in the order of the plan.
pub(super) struct Maker<'m> {
    world: &'m World<'m>,
    /// Variables of every service.
    shared: Vec<Definition<'m>>,
    project: SharedStr,
    /// `SVC_INSTANCE`, `SVC_NAME`, `SVC_PROJECT`, `SVC_REPLICA`.
    names: [SharedStr; 4],
    /// What replicas are counted with.
    numbers: Vec<SharedStr>,
    common: Common,
    made: u32,
    /// Numbers of ports that are given.
    taken: BTreeSet<u16>,
    /// Whether there was no free port.
    no_port: bool,
    /// The ports of all instances made so far.
    pub(super) ports: Vec<PortUse>,
    /// The log files of all instances made so far, except those at the default place.
    pub(super) log_files: Vec<FileUse>,
    /// The sockets of all instances made so far.
    pub(super) sockets: Vec<SocketUse>,
    /// The pid files of all instances made so far.
    pub(super) pid_files: Vec<FileUse>,
    /// Who has the terminal, and where that is written.
    pub(super) terminals: Vec<(InstanceId, Span)>,
    /// The services whose instances have names of their own, and where that is written.
    pub(super) patterns: Vec<(ServiceId, Span)>,
}

/// A port of a replica: its name and its number.
type Given<'m> = (Option<&'m Name>, u16);

/// Fills texts of one instance.
pub(super) struct Filler<'f, 'm> {
    variables: &'f Variables<'m>,
    common: &'f mut Common,
    out: &'f mut Diagnostics,
}

impl Filler<'_, '_> {
    /// Returns a text with everything in it replaced. What cannot be replaced has been reported, and
    /// the text stays as it is written: there is not going to be a plan.
    pub(super) fn text(&mut self, text: &Text) -> SharedStr {
        self.known(text).unwrap_or_else(|| text.raw.clone())
    }

    /// [`Self::text`], with nothing for what was reported, for values that are looked into further.
    pub(super) fn known(&mut self, text: &Text) -> Option<SharedStr> {
        self.variables.fill(text, self.common, self.out)
    }

    pub(super) fn texts(&mut self, texts: &[Text]) -> Vec<SharedStr> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    pub(super) fn exec(&mut self, words: &[Text]) -> Exec {
        let span = words.first().map(|program| program.span).unwrap_or_default();
        Exec { argv: self.texts(words), span }
    }

    pub(super) fn path(&mut self, path: &FilePath) -> PathBuf {
        joined(&path.folder, &self.text(&path.text))
    }

    /// [`Self::path`] of a folder. Neighbours run in one folder more often than not, and share its path.
    fn folder(&mut self, path: &FilePath) -> Arc<Path> {
        let text = self.text(&path.text);
        self.common.folder(&path.folder, text)
    }

    fn probe(&mut self, probing: Option<&Probing>, working_dir: &Path) -> Option<crate::probe::Probe> {
        probing.and_then(|probing| probe::probe(&probing.target, working_dir, self))
    }

    /// Returns whether this regular expression was seen before: compiling one takes long.
    pub(super) fn is_known_pattern(&mut self, pattern: &str) -> bool {
        self.common.saw_pattern(pattern)
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.common.say(diagnostic, self.out);
    }
}

impl<'m> Maker<'m> {
    pub(super) fn new(project: &str, env: &'m [Variable], world: &'m World<'m>) -> Self {
        Self {
            world,
            shared: env.iter().map(definition).collect(),
            project: project.into(),
            names: ["SVC_INSTANCE", "SVC_NAME", "SVC_PROJECT", "SVC_REPLICA"].map(SharedStr::from),
            numbers: Vec::new(),
            common: Common::default(),
            made: 0,
            taken: BTreeSet::new(),
            no_port: false,
            ports: Vec::new(),
            log_files: Vec::new(),
            sockets: Vec::new(),
            pid_files: Vec::new(),
            terminals: Vec::new(),
            patterns: Vec::new(),
        }
    }

    /// Makes replica `replica` of a service.
    pub(super) fn instance(
        &mut self,
        service: ServiceId,
        declared: &Service,
        replica: u32,
        out: &mut Diagnostics,
    ) -> Instance {
        let id = InstanceId(self.made);
        self.made += 1;
        let name: Arc<str> = (&declared.name.value).into();
        let instance: Arc<str> = match declared.replicas.as_ref().map(|replicas| &replicas.name) {
            None => name.clone(),
            Some(None) => format!("{name}.{replica}").into(),
            Some(Some(pattern)) => {
                if replica == 0 {
                    self.patterns.push((service, pattern.span));
                }
                pattern.value.name(replica).into()
            }
        };
        let ports = self.ports(id, &instance, declared, replica, out);
        let given = self.given(name, instance.clone(), replica, &ports);
        let (user, account) = declared.user.as_ref().and_then(|user| self.user(user, out)).unzip();
        let account = account.map(|account| self.account(&account)).unwrap_or_default();
        let variables = self.variables(declared, account, given, out);
        let launch = Arc::new(self.launch(id, declared, user, variables, out));
        let ports =
            ports.into_iter().map(|(name, number)| (name.map_or(String::new(), Name::to_string), number));
        Instance { name: instance, service, replica, ports: ports.collect(), launch }
    }

    /// Notes which ports are given by number, so that no other instance gets them, when any is to be chosen.
    pub(super) fn spare<'d>(&mut self, services: impl Iterator<Item = &'d Service> + Clone) {
        let numbers = |service: &'d Service| service.ports.iter().map(|port| port.number.value);
        if !services.clone().flat_map(numbers).any(|number| number == PortNumber::Auto) {
            return;
        }
        for service in services {
            let count = service.replicas.as_ref().map_or(1, |replicas| replicas.count.value);
            for number in numbers(service) {
                let PortNumber::From(first) = number else { continue };
                let last = u32::from(first).saturating_add(count - 1).min(u32::from(u16::MAX)) as u16;
                self.taken.extend(first..=last);
            }
        }
    }

    /// Chooses a port of an instance.
    fn choose(
        &mut self,
        folder: &Path,
        name: Option<&Name>,
        instance: &str,
        span: Span,
        out: &mut Diagnostics,
    ) -> Option<u16> {
        let name = name.map_or("", Name::as_str);
        let wanted = AutoPort { folder, instance, name, taken: &self.taken };
        // Once there is none, there is none for any other.
        let number = if self.no_port { None } else { self.world.ports.choose(wanted) };
        match number {
            Some(number) => drop(self.taken.insert(number)),
            None => {
                self.no_port = true;
                let diagnostic = Diagnostic::error("svc::no-free-port", span, "there is no free port left");
                let help = format!("`auto` is one from {} to {}", AUTO_PORTS.start, AUTO_PORTS.end - 1);
                self.common.say(diagnostic.help(help), out);
            }
        }
        number
    }

    /// The ports of a replica: each counts up from what is written.
    fn ports<'d>(
        &mut self,
        instance: InstanceId,
        name: &str,
        declared: &'d Service,
        replica: u32,
        out: &mut Diagnostics,
    ) -> Vec<Given<'d>> {
        let mut ports = Vec::with_capacity(declared.ports.len());
        for port in &declared.ports {
            let span = port.number.span;
            let first = match port.number.value {
                PortNumber::From(first) => first,
                PortNumber::Auto => {
                    let of = port.name.as_ref();
                    let Some(number) = self.choose(&declared.folder, of, name, span, out) else { continue };
                    ports.push((of, number));
                    self.ports.push(PortUse { number, first: number, instance, span });
                    continue;
                }
            };
            let Some(number) = u16::try_from(replica).ok().and_then(|replica| first.checked_add(replica))
            else {
                let count = declared.replicas.as_ref().map_or(1, |replicas| replicas.count.value);
                let message = format!("there are not {count} ports from {first} on");
                let help = format!("the highest port is {}; each replica counts up by one", u16::MAX);
                self.common.say(Diagnostic::error("svc::port-range", span, message).help(help), out);
                continue;
            };
            ports.push((port.name.as_ref(), number));
            self.ports.push(PortUse { number, first, instance, span });
        }
        ports
    }

    /// What svc sets for an instance, whatever the files say.
    fn given(
        &mut self,
        name: Arc<str>,
        instance: Arc<str>,
        replica: u32,
        ports: &[Given<'_>],
    ) -> Vec<(SharedStr, SharedStr)> {
        for missing in self.numbers.len()..=replica as usize {
            self.numbers.push(missing.to_string().into());
        }
        let values: [SharedStr; 4] =
            [instance.into(), name.into(), self.project.clone(), self.numbers[replica as usize].clone()];
        let mut given = Vec::with_capacity(values.len() + ports.len());
        given.extend(self.names.iter().cloned().zip(values));
        let common = &mut self.common;
        for (name, number) in ports {
            let variable = match name {
                None => common.word("PORT"),
                Some(name) => {
                    common.word(&format!("PORT_{}", name.as_str().to_ascii_uppercase().replace('-', "_")))
                }
            };
            given.push((variable, common.word(&number.to_string())));
        }
        given
    }

    fn variables(
        &mut self,
        declared: &Service,
        account: Vec<(SharedStr, SharedStr)>,
        given: Vec<(SharedStr, SharedStr)>,
        out: &mut Diagnostics,
    ) -> Variables<'m> {
        let own = declared.env.iter().map(definition);
        let definitions: Vec<Definition<'_>> = self.shared.iter().copied().chain(own).collect();
        for definition in &definitions {
            let is_ours = ["SVC_", "PORT"].iter().any(|start| definition.name.starts_with(start));
            if is_ours && given.iter().any(|(name, _)| name == definition.name) {
                self.common.say(reserved(definition), out);
            }
        }
        Variables::new(self.world.env, account, &definitions, given, &mut self.common, out)
    }

    fn launch(
        &mut self,
        id: InstanceId,
        declared: &Service,
        user: Option<User>,
        variables: Variables<'m>,
        out: &mut Diagnostics,
    ) -> Launch {
        let fill = &mut Filler { variables: &variables, common: &mut self.common, out };
        let working_dir: Arc<Path> = match &declared.working_dir {
            None => declared.folder.clone(),
            Some(path) => fill.folder(path),
        };
        let argv = fill.texts(&declared.command.argv);
        if argv.first().is_none_or(|program| program.is_empty()) {
            let message = "there is no program to run";
            let help = "the first word of a command is the program";
            fill.say(Diagnostic::error("svc::empty-command", declared.command.span, message).help(help));
        }
        let logs = match &declared.logs {
            model::logs::Logs::None => Logs::None,
            model::logs::Logs::Inherit => Logs::Inherit,
            model::logs::Logs::File { path, max_size, keep, extras } => {
                let path = path.as_ref().map(|path| {
                    let file = fill.path(path);
                    self.log_files.push(FileUse { path: file.clone(), instance: id, span: path.text.span });
                    file
                });
                let written = extras.as_deref();
                let extras = written.map(|extras| process::log_extras(extras, fill));
                if let Some(path) = extras.as_ref().and_then(|extras| extras.stderr.clone()) {
                    let span = written.and_then(|extras| extras.stderr.as_ref()).map(|path| path.text.span);
                    self.log_files.push(FileUse { path, instance: id, span: span.unwrap_or_default() });
                }
                let extras = extras.map(Box::new);
                Logs::File { path, max_size: *max_size, keep: *keep, extras }
            }
        };
        let extras = process::extras(declared, &logs, fill);
        let launch = Launch {
            argv,
            command_span: declared.command.span,
            display: declared.command.display.clone(),
            working_dir_span: declared.working_dir.as_ref().map(|path| path.text.span),
            user,
            umask: declared.umask,
            logs,
            readiness: fill.probe(declared.readiness.as_ref(), &working_dir),
            startup: fill.probe(declared.startup.as_deref(), &working_dir),
            liveness: fill.probe(declared.liveness.as_deref(), &working_dir),
            stop_command: declared.stop_command.as_ref().map(|words| fill.exec(words)),
            working_dir,
            extras,
            env: variables.overlay(),
        };
        self.uses(id, declared, launch.extras.as_deref());
        launch
    }

    /// Remembers what only one process can have.
    fn uses(&mut self, instance: InstanceId, declared: &Service, extras: Option<&Extras>) {
        let Some(extras) = extras else { return };
        for Socket { address, span, .. } in &extras.sockets {
            self.sockets.push(SocketUse { address: address.clone(), instance, span: *span });
        }
        if let (Some(path), Some(forks)) = (&extras.pid_file, &declared.forks) {
            let span = forks.pid_file.text.span;
            self.pid_files.push(FileUse { path: path.clone(), instance, span });
        }
        self.terminals.extend(declared.tty.map(|span| (instance, span)));
    }

    /// What a process is told of whom it runs as.
    fn account(&mut self, account: &Account) -> Vec<(SharedStr, SharedStr)> {
        let common = &mut self.common;
        account.variables().into_iter().map(|(name, value)| (common.word(name), common.word(value))).collect()
    }

    /// Looks up whom a process runs as.
    fn user(&mut self, user: &service::User, out: &mut Diagnostics) -> Option<(User, Account)> {
        let accounts = self.world.accounts;
        let common = &mut self.common;
        let mut unknown = |what: &str, name: &Spanned<String>| {
            let message = format!("there is no {what} `{}` on this machine", name.value);
            let help = "create it, or name one that exists; a number in quotes needs no account";
            common.say(Diagnostic::error("svc::unknown-account", name.span, message).help(help), out);
        };
        let account = accounts.user(&user.name.value);
        if account.is_none() {
            unknown("user", &user.name);
        }
        let mut group = |name: &Spanned<String>| {
            let found = accounts.group(&name.value);
            if found.is_none() {
                unknown("group", name);
            }
            found
        };
        let own_group = user.group.as_ref().map(&mut group);
        let groups: Option<Vec<Option<u32>>> =
            user.groups.as_ref().map(|groups| groups.iter().map(&mut group).collect());
        let account = account?;
        let user = User {
            name: user.name.value.clone(),
            uid: account.uid,
            gid: own_group.unwrap_or(Some(account.gid))?,
            groups: match groups {
                Some(groups) => groups.into_iter().collect::<Option<Vec<u32>>>()?,
                None => account.groups.clone(),
            },
            span: user.name.span,
        };
        Some((user, account))
    }
}

fn definition(variable: &Variable) -> Definition<'_> {
    Definition { name: &variable.name.value, span: variable.name.span, value: variable.value.as_ref() }
}

/// Says that svc sets a variable and not the file.
fn reserved(definition: &Definition<'_>) -> Diagnostic {
    let name = definition.name;
    let (message, help) = if name.starts_with("PORT") {
        (
            format!("`{name}` follows from `port`; what is written here has no effect"),
            "change `port`, or give the variable another name",
        )
    } else {
        (
            format!("`{name}` is set by svc; what is written here has no effect"),
            "give the variable another name",
        )
    };
    Diagnostic::warning("svc::reserved-variable", definition.span, message).help(help)
}
