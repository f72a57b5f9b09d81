//! From a plan's launch to the guard's: the environment, the descriptors, whom to run as.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;

use crate::base::limit::{Bound, Resource};
use crate::base::{Invocation, Limit, SharedStr, Shares, SpawnFailure, Stage};
use crate::graph::plan::{
    Address, ForwardForm, Launch, LineForm, LogExtras, Logs, Passed, Socket, User, Wiring,
};
use crate::guard::protocol::{self, Grouping, Install, Source, Spawn};
use crate::logs::Settings;
use crate::logs::name::Channel;
use crate::logs::name::default_path;
use crate::logs::rewrite::{Form, Shape};
use crate::logs::send::{Message, Place, Receiver};
use crate::runtime::listen;

/// Variables that tell a process about its own supervisor: svc's must not reach its services.
const NOT_INHERITED: &[&str] =
    &["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What the launches of a project have in common.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The environment `svc up` was called in.
    pub(crate) env: BTreeMap<String, String>,
    /// The user svc runs as.
    pub(crate) uid: u32,
    /// What services get that inherit svc's.
    pub(crate) own: Own,
}

/// The descriptors of services that inherit svc's.
#[derive(Debug)]
pub struct Own {
    /// `/dev/null`, or for one command alone that of whoever runs it.
    pub stdin: OwnedFd,
    /// Where svc's output goes.
    pub stdout: OwnedFd,
    /// Where svc's messages go.
    pub stderr: OwnedFd,
}

/// Where the output of a process goes.
#[derive(Debug)]
pub(crate) enum Output {
    /// To `/dev/null`.
    Nowhere,
    /// To where svc's own goes; input comes from where its own does.
    Own,
    /// Into the pipes the guard keeps under these keys.
    Kept {
        /// For stdout.
        out: Vec<u8>,
        /// For stderr; mostly the same.
        err: Vec<u8>,
    },
    /// Into this pipe.
    Pipe(OwnedFd),
}

/// A process that belongs to an instance: its main process, or a command run on its behalf.
#[derive(Debug)]
pub(crate) struct Process<'a> {
    pub(crate) invocation: Invocation,
    pub(crate) tag: String,
    pub(crate) argv: &'a [SharedStr],
    pub(crate) launch: &'a Launch,
    /// Which control group it is in.
    pub(crate) grouping: Grouping,
    pub(crate) output: Output,
    /// Where `sd_notify` messages are taken.
    pub(crate) notify: Option<&'a Path>,
    /// The descriptor that announces readiness.
    pub(crate) ready: Option<(u32, OwnedFd)>,
    /// Sockets that are passed to it; the guard keeps them.
    pub(crate) sockets: &'a [Socket],
}

impl Surroundings {
    /// Makes the guard's request out of a process.
    ///
    /// # Errors
    ///
    /// The stage and errno of what cannot even be asked for: a NUL byte in an argument, no free
    /// descriptor.
    pub(crate) fn spawn(&self, process: Process<'_>) -> Result<Spawn<OwnedFd>, SpawnFailure> {
        let Process { invocation, tag, argv, launch, grouping, output, notify, ready, sockets } = process;
        let at_exec = |_| SpawnFailure { stage: Stage::Exec, errno: Errno::EINVAL as i32 };
        let argv: Vec<CString> =
            argv.iter().map(|word| CString::new(word.as_str())).collect::<Result<_, _>>().map_err(at_exec)?;
        let mut env = self.environment(launch, notify);
        let names: Vec<&str> = passed(sockets, Passed::Descriptor).map(|socket| &*socket.name).collect();
        let mut own_pid = Vec::new();
        if !names.is_empty() {
            env.push(format!("LISTEN_FDS={}", names.len()));
            env.push(format!("LISTEN_FDNAMES={}", names.join(":")));
            own_pid.push(c"LISTEN_PID".to_owned());
        }
        let env = env.into_iter().map(CString::new);
        let launch = protocol::Launch {
            program: argv.first().cloned().unwrap_or_default(),
            argv,
            env: env.collect::<Result<_, _>>().map_err(at_exec)?,
            cwd: Some(c_path(&launch.working_dir, Stage::WorkingDirectory)?),
            umask: launch.umask,
            credentials: self.credentials(launch.user.as_ref()),
            limits: launch.extras.iter().flat_map(|extras| &extras.limits).copied().map(limit).collect(),
            nice: launch.extras.as_ref().and_then(|extras| extras.nice),
            session: true,
            own_pid,
        };
        let fds = self.descriptors(output, ready, sockets)?;
        Ok(Spawn { invocation, tag: tag.into_bytes(), launch, grouping, fds })
    }

    /// Puts the service's variables over svc's own.
    pub(crate) fn environment(&self, launch: &Launch, notify: Option<&Path>) -> Vec<String> {
        let mut env: BTreeMap<&str, &str> = self
            .env
            .iter()
            .filter(|(name, _)| !NOT_INHERITED.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        for (name, value) in launch.env.iter() {
            match value {
                Some(value) => env.insert(name, value),
                None => env.remove(&**name),
            };
        }
        let mut env: Vec<String> = env.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        env.extend(notify.map(|path| format!("NOTIFY_SOCKET={}", path.display())));
        env
    }

    /// Returns whom to become; `None` when that is who svc is already, which needs no privilege.
    pub(crate) fn credentials(&self, user: Option<&User>) -> Option<protocol::Credentials> {
        let user = user.filter(|user| self.uid == 0 || user.uid != self.uid)?;
        Some(protocol::Credentials { uid: user.uid, gid: user.gid, groups: user.groups.clone() })
    }

    fn descriptors(
        &self,
        output: Output,
        ready: Option<(u32, OwnedFd)>,
        sockets: &[Socket],
    ) -> Result<Vec<Install<OwnedFd>>, SpawnFailure> {
        let copy = |fd: &OwnedFd| {
            fd.try_clone().map(|fd| Source::Passed(Some(fd))).map_err(|error| SpawnFailure {
                stage: Stage::Log,
                errno: error.raw_os_error().unwrap_or(Errno::EIO as i32),
            })
        };
        let (input, out, err) = match output {
            Output::Nowhere => (Source::Null, Source::Null, Source::Null),
            Output::Own => (copy(&self.own.stdin)?, copy(&self.own.stdout)?, copy(&self.own.stderr)?),
            Output::Kept { out, err } => (Source::Null, Source::Kept(out), Source::Kept(err)),
            Output::Pipe(pipe) => (Source::Null, copy(&pipe)?, Source::Passed(Some(pipe))),
        };
        let kept = |socket: &Socket| Source::Kept(listen::key(&socket.address));
        let input = passed(sockets, Passed::Stdin).next().map_or(input, kept);
        let numbered = passed(sockets, Passed::Descriptor).map(kept);
        let mut fds: Vec<Install<OwnedFd>> = (0..)
            .zip([input, out, err].into_iter().chain(numbered))
            .map(|(target, source)| Install { target, source })
            .collect();
        if let Some((number, fd)) = ready {
            let too_high = |_| SpawnFailure { stage: Stage::Descriptors, errno: Errno::EBADF as i32 };
            let target = number.try_into().map_err(too_high)?;
            fds.push(Install { target, source: Source::Passed(Some(fd)) });
        }
        Ok(fds)
    }
}

fn passed(sockets: &[Socket], how: Passed) -> impl Iterator<Item = &Socket> {
    sockets.iter().filter(move |socket| socket.passed == how)
}

/// Returns what all processes of an instance may use together.
pub(crate) fn shares(launch: &Launch) -> Shares {
    launch.extras.as_ref().map(|extras| extras.shares).unwrap_or_default()
}

fn limit((resource, bound): (Resource, Bound)) -> Limit {
    Limit::fixed(resource, bound)
}

fn c_path(path: &Path, stage: Stage) -> Result<CString, SpawnFailure> {
    CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| SpawnFailure { stage, errno: Errno::EINVAL as i32 })
}

/// Returns where the output of an instance's processes goes.
pub(crate) fn output(launch: &Launch, instance: &str) -> Output {
    match &launch.logs {
        Logs::None => Output::Nowhere,
        Logs::Inherit => Output::Own,
        logs @ Logs::File { .. } => {
            let together = logs.wiring() == Some(Wiring::Together);
            let err = if together { Channel::Out } else { Channel::Err };
            Output::Kept { out: log_key(instance, Channel::Out), err: log_key(instance, err) }
        }
    }
}

/// Returns where and how one output of an instance is kept; `None` when it is not, or goes where the other goes.
pub(crate) fn log_settings(
    launch: &Launch,
    instance: &str,
    state_dir: &Path,
    channel: Channel,
) -> Option<Settings> {
    let Logs::File { path, max_size, keep, extras } = &launch.logs else { return None };
    let path = match channel {
        Channel::Out => path.clone().unwrap_or_else(|| default_path(state_dir, instance)),
        Channel::Err => extras.as_ref()?.stderr.clone()?,
    };
    let shape = extras.as_ref().and_then(|extras| extras.form).map(|form| match form {
        LineForm::Timed => Shape::Timed,
        LineForm::Json => Shape::Json,
    });
    let form = shape.map(|shape| Form { shape, instance: instance.to_owned() });
    let receivers = extras.as_ref().map(|extras| receivers(extras, instance)).unwrap_or_default();
    Some(Settings { path, max_size: *max_size, keep: *keep, form, receivers })
}

/// Returns who is sent the lines of a log besides.
fn receivers(extras: &LogExtras, instance: &str) -> Vec<Receiver> {
    let apart = extras.stderr.is_some() || extras.form == Some(LineForm::Json);
    let receiver = |to, message| Receiver { to, message, instance: instance.to_owned(), apart };
    let syslog = extras.syslog.then(|| receiver(Place::Unix("/dev/log".into()), Message::Local));
    let forward = extras.forward.iter().filter_map(|(address, form)| {
        let to = match address {
            Address::Unix(path, _) => Place::Unix(path.clone()),
            Address::Udp(host, port) => {
                let host: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
                Place::Udp((host, *port).into())
            }
            // Refused before anything is started.
            Address::Tcp(..) => return None,
        };
        let message = match form {
            ForwardForm::Json => Message::Json,
            ForwardForm::Syslog => Message::Syslog,
            ForwardForm::Raw => Message::Raw,
        };
        Some(receiver(to, message))
    });
    syslog.into_iter().chain(forward).collect()
}

/// The key under which the guard keeps the pipe of one output of an instance.
pub(crate) fn log_key(instance: &str, channel: Channel) -> Vec<u8> {
    match channel {
        Channel::Out => format!("log:{instance}").into_bytes(),
        Channel::Err => format!("err:{instance}").into_bytes(),
    }
}

/// The key under which the guard keeps the notify socket of an instance.
pub(crate) fn notify_key(instance: &str) -> Vec<u8> {
    format!("notify:{instance}").into_bytes()
}

/// The key under which the guard keeps the reading end of an instance's readiness descriptor.
pub(crate) fn ready_key(instance: &str) -> Vec<u8> {
    format!("ready:{instance}").into_bytes()
}
