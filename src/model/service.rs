//! A whole project and its services, merged and typed, each name with its place.
//!
//! This is what the nodes of the service files come to once defaults, templates and overlays are
//! merged. Names of other services are not looked up and variables are not replaced: both need
//! more than one service, or an instance. What was wrong in itself is not in here.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Name, SharedStr};
use crate::diagnostic::{Span, Spanned};
use crate::model::change::{Reload, Watch};
use crate::model::control::Control;
use crate::model::event::EventListener;
use crate::model::limits::Limits;
use crate::model::logs::Logs;
use crate::model::policy::{Backoff, Condition, Kind, LivenessFailure, OnExit, Restart, Stop};
use crate::model::replica::Replicas;
use crate::model::schedule::Schedule;
use crate::model::socket::Socket;
use crate::model::text::{Piece, Text};
use crate::probe;

/// What the service files of a project say.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The project's name, as people see it.
    pub project: String,
    /// Variables of every service: those of env-files, then those of `project { env … }`.
    pub env: Vec<Variable>,
    /// How svc can be reached.
    pub control: Control,
    /// Services and tasks in the order of the files, the later one of two with the same name included.
    pub services: Vec<Box<Service>>,
    /// Groups with their members, in the order of the files.
    pub groups: Vec<(Spanned<Name>, Vec<Spanned<Name>>)>,
    /// Names in nodes that were not understood: whoever uses them is not to blame.
    pub lost: BTreeSet<String>,
}

/// A variable that a file sets or unsets.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Spanned<SharedStr>,
    /// Its value; `None` unsets it.
    pub value: Option<Text>,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Variable");
        shown.field("name", &self.name);
        if self.is_secret() {
            shown.field("value", &format_args!("***"))
        } else {
            shown.field("value", &self.value)
        };
        shown.finish()
    }
}

/// What names contain of variables whose values are not shown.
const SECRET_PARTS: &[&str] =
    &["APIKEY", "CREDENTIAL", "PASSPHRASE", "PASSWD", "PASSWORD", "PRIVATE", "SECRET", "TOKEN"];

/// The same, for what means something else inside a longer word: these stand between `_`.
const SECRET_WORDS: &[&str] = &["AUTH", "DSN", "KEY", "KEYS", "PASS", "PWD"];

impl Variable {
    /// Returns whether its value is not to be shown: it is marked so, its name says that it should be, or it is an
    /// address with a password in it.
    pub fn is_secret(&self) -> bool {
        let Some(value) = &self.value else { return false };
        value.secret || is_secret_name(&self.name.value) || has_password(&value.raw)
    }

    /// Returns whether its value is made of the value that the layer below gives it: `PATH "bin:${PATH}"`.
    pub fn uses_itself(&self) -> bool {
        let own = |piece: Piece<'_>| match piece {
            Piece::Variable { name, .. } => name == self.name.value.as_str(),
            Piece::Literal(_) | Piece::Malformed { .. } => false,
        };
        self.value.as_ref().is_some_and(|value| value.pieces().any(own))
    }
}

/// Returns whether the value of a variable of this name is not to be shown: `PGPASSWORD`, `API_KEY`.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // The working directory is called so.
    let word = |word: &str| SECRET_WORDS.contains(&word) && name != "PWD";
    SECRET_PARTS.iter().any(|part| name.contains(part)) || name.split('_').any(word)
}

/// Returns whether a text is an address with a password: `postgres://app:secret@db/shop`.
pub fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// A service or task.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Spanned<Name>,
    /// Something in it was reported already: its name and its edges can be relied on, nothing else.
    pub damaged: bool,
    /// Whether it should keep running or end.
    pub kind: Kind,
    /// What a person wrote about it.
    pub description: Option<String>,
    /// Not started by `up` unless it is named or something depends on it.
    pub disabled: bool,
    /// The profiles it belongs to; without one it is in all of them.
    pub profiles: Vec<Spanned<Name>>,
    /// How many instances there are; `None` for one that has no number in its name.
    pub replicas: Option<Replicas>,
    /// What runs.
    pub command: Command,
    /// Where it runs; `None` for `folder`.
    pub working_dir: Option<FilePath>,
    /// The folder of the file that declares the service; absolute.
    pub folder: Arc<Path>,
    /// What it depends on.
    pub depends_on: Vec<Dependency>,
    /// What it comes after, when both are started.
    pub after: Vec<Spanned<Name>>,
    /// What it comes before, when both are started.
    pub before: Vec<Spanned<Name>>,
    /// Its own variables: those of its env-files, then those of `env`.
    pub env: Vec<Variable>,
    /// Its ports.
    pub ports: Vec<Port>,
    /// How it becomes ready; `None`: as soon as it is started.
    pub readiness: Option<Probing>,
    /// How slow starters are waited for before liveness counts.
    pub startup: Option<Box<Probing>>,
    /// How it is found to be alive.
    pub liveness: Option<Box<Probing>>,
    /// What a failed liveness leads to.
    pub on_liveness_failure: LivenessFailure,
    /// When it is started again.
    pub restart: Restart,
    /// How long it waits before that.
    pub backoff: Backoff,
    /// How it is stopped.
    pub stop: Stop,
    /// What runs before the stop signal: argv. Set exactly when `stop.command` is.
    pub stop_command: Option<Vec<Text>>,
    /// What its end means for the project.
    pub on_exit: OnExit,
    /// Exit codes that are a success; sorted.
    pub success_codes: Vec<i32>,
    /// How long it may take from launch to ready.
    pub start_timeout: Duration,
    /// How long a task may run in all; `None` for no limit.
    pub timeout: Option<Duration>,
    /// Whom it runs as; `None` for svc's own user.
    pub user: Option<Box<User>>,
    /// Its file mode creation mask; `None` for svc's own.
    pub umask: Option<u32>,
    /// Where its output goes.
    pub logs: Logs,
    /// Sockets that svc opens and passes to it.
    pub sockets: Box<[Socket]>,
    /// What its processes may use.
    pub limits: Option<Box<Limits>>,
    /// Its priority for the processor, −20 to 19; `None` for svc's own.
    pub nice: Option<i8>,
    /// It has the terminal of `svc up`: where it says so.
    pub tty: Option<Span>,
    /// It puts itself into the background.
    pub forks: Option<Box<Forks>>,
    /// How long it may be silent.
    pub watchdog: Option<Spanned<Duration>>,
    /// How it is told to read its configuration again.
    pub reload: Option<Box<Spanned<Reload>>>,
    /// Files whose change leads to something.
    pub watch: Option<Box<Watch>>,
    /// When a task runs by itself.
    pub schedule: Option<Box<Spanned<Schedule>>>,
    /// What it is told of as an event listener.
    pub event_listener: Option<Box<EventListener>>,
    /// What people sort their services by; sorted by key.
    pub labels: Box<[Label]>,
}

/// A path and what it is relative to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath {
    /// What is written.
    pub text: Text,
    /// The folder that it is relative to; absolute.
    pub folder: Arc<Path>,
}

/// What runs; nothing, in a damaged service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; a `shell` is `/bin/sh`, `-c` and its text.
    pub argv: Vec<Text>,
    /// Where it is written.
    pub span: Span,
    /// The command line as a person wrote it, for display.
    pub display: SharedStr,
}

/// An edge of `depends-on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What it depends on.
    pub name: Spanned<Name>,
    /// What it waits for, and where that is written, if it is.
    pub condition: (Condition, Option<Span>),
    /// Whether it cannot be without it.
    pub required: bool,
    /// Whether an automatic restart of the dependency restarts the dependent.
    pub restart: bool,
    /// How long it waits; `None` for as long as it takes.
    pub timeout: Option<Duration>,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name; `None` for the one that is `PORT`.
    pub name: Option<Name>,
    /// Which number it is.
    pub number: Spanned<PortNumber>,
}

/// The number of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortNumber {
    /// The one that the first instance gets; each replica counts up by one.
    From(u16),
    /// One that is free, for each instance.
    Auto,
}

/// A probe and its schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// What is asked.
    pub target: Target,
    /// When.
    pub schedule: probe::Schedule,
}

/// What a probe asks, variables not replaced. Paths are relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The service says so by `sd_notify`.
    Notify,
    /// The service writes a line to this descriptor.
    Fd(u32),
    /// The service writes a line to its log that this regular expression matches.
    Log(Text),
    /// A TCP connection to this `HOST:PORT` is accepted.
    Tcp(Text),
    /// A connection to this Unix socket is accepted.
    Unix(Text),
    /// An HTTP request is answered with a status in the range.
    Http {
        /// `http://HOST[:PORT]/PATH`.
        url: Text,
        /// Further headers, in order.
        headers: Vec<(String, Text)>,
        /// The lowest and the highest status that pass.
        status: (u16, u16),
    },
    /// This program exits with 0. A `shell` is `/bin/sh`, `-c` and its text.
    Exec(Vec<Text>),
    /// This path exists.
    File(Text),
}

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A name, or a number in digits.
    pub name: Spanned<String>,
    /// A name or number; `None` for the user's own group.
    pub group: Option<Spanned<String>>,
    /// Supplementary groups; `None` for the user's own.
    pub groups: Option<Vec<Spanned<String>>>,
}

/// A service that puts itself into the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forks {
    /// The file that its main process writes its number to.
    pub pid_file: FilePath,
    /// Where it is written.
    pub span: Span,
}

/// What people sort their services by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The key, each once.
    pub key: String,
    /// The value.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_its_mark_or_its_form() {
        for name in
            ["PGPASSWORD", "DB_PASS", "api_key", "SECRET_KEY_BASE", "GITHUB_TOKEN", "SENTRY_DSN", "MYSQL_PWD"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "PWD", "KEYBOARD", "MONKEY", "AUTHOR", "COMPASS", "PORT"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(has_password("postgres://app:pw@db:5432/shop?a=b"));
        for text in ["http://localhost:80/a@b:c", "postgres://app@db/shop", "a:b@c", "http://h/?q=a:b@c"] {
            assert!(!has_password(text), "{text}");
        }
        let mut marked = Text::literal("x", Span::default());
        marked.secret = true;
        let name = Spanned::new("COLOR".into(), Span::default());
        assert!(Variable { name: name.clone(), value: Some(marked) }.is_secret());
        assert!(!Variable { name, value: None }.is_secret());
    }
}
