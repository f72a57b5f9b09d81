//! What most launches do without, with everything filled in: sockets, limits, watched files.

use std::path::{Path, PathBuf};

use crate::base::Shares;
use crate::diagnostic::{Diagnostic, Span};
use crate::graph::build::instance::Filler;
use crate::graph::build::probe::host_and_port;
use crate::graph::plan::{
    Address, Control, ControlHttp, ControlSocket, EventListener, Extras, LogExtras, Logs, Reload, Socket,
    Watch,
};
use crate::graph::variables::joined;
use crate::model::limits::Limits;
use crate::model::service::{FilePath, Service};
use crate::model::text::Text;
use crate::model::{change, control, event, logs, socket};

/// Fills what most do without; `None` when this service does. `logs` are its own.
pub(super) fn extras(declared: &Service, logs: &Logs, fill: &mut Filler<'_, '_>) -> Option<Box<Extras>> {
    let Service { sockets, limits, nice, tty, forks, reload, watch, .. } = declared;
    let without = sockets.is_empty()
        && limits.is_none()
        && nice.is_none()
        && tty.is_none()
        && forks.is_none()
        && reload.is_none()
        && watch.is_none();
    if without {
        return None;
    }
    let watch = watch.as_deref().map(|watch| {
        let filled = filled(watch, fill);
        covers_own_log(watch, &filled, declared, logs, fill);
        filled
    });
    Some(Box::new(Extras {
        sockets: sockets.iter().filter_map(|socket| self::socket(declared, socket, fill)).collect(),
        shares: limits.as_deref().map(shares).unwrap_or_default(),
        limits: limits.iter().flat_map(|limits| &limits.process).map(|l| (l.resource, l.bound)).collect(),
        nice: *nice,
        tty: tty.is_some(),
        pid_file: forks.as_ref().map(|forks| fill.path(&forks.pid_file)),
        reload: reload.as_ref().map(|reload| match &reload.value {
            change::Reload::Signal(signal) => Reload::Signal(*signal),
            change::Reload::Command(argv) => Reload::Command(fill.exec(argv)),
        }),
        watch,
    }))
}

fn shares(limits: &Limits) -> Shares {
    Shares {
        memory: limits.memory.map(|memory| memory.value),
        cpu: limits.cpu.map(|cpu| Shares::of_processors(cpu.value)),
        pids: limits.pids.map(|pids| pids.value),
    }
}

/// Fills a socket; nothing after a mistake, which was said.
fn socket(declared: &Service, socket: &socket::Socket, fill: &mut Filler<'_, '_>) -> Option<Socket> {
    let address = match &socket.address {
        socket::Address::Tcp(text) => tcp("tcp", text, fill)?,
        socket::Address::Udp(text) => udp("udp", text, fill)?,
        socket::Address::Unix { path, mode } => Address::Unix(fill.path(path), *mode),
    };
    let name = socket.name.clone().unwrap_or_else(|| declared.name.value.to_string());
    Some(Socket { address, name, passed: socket.passed, span: socket.span })
}

fn tcp(property: &str, text: &Text, fill: &mut Filler<'_, '_>) -> Option<Address> {
    host(property, text, fill).map(|(host, port)| Address::Tcp(host, port))
}

fn udp(property: &str, text: &Text, fill: &mut Filler<'_, '_>) -> Option<Address> {
    host(property, text, fill).map(|(host, port)| Address::Udp(host, port))
}

/// Takes `HOST:PORT` apart.
fn host(property: &str, text: &Text, fill: &mut Filler<'_, '_>) -> Option<(String, u16)> {
    let address = fill.known(text)?;
    if let Some((host, port)) = host_and_port(&address) {
        return Some((host.to_owned(), port));
    }
    let port = address.trim_start_matches(['*', ':']);
    let help = match port.parse::<u16>() {
        Ok(port) if address.starts_with(['*', ':']) => {
            format!("for every address of the machine write `{property}=\"0.0.0.0:{port}\"`")
        }
        Ok(port) => format!("write `{property}=\"127.0.0.1:{port}\"`"),
        Err(_) => format!("write a host and a port: `{property}=\"127.0.0.1:8080\"`"),
    };
    let message = format!("`{address}` is no address with a port");
    fill.say(Diagnostic::error("svc::bad-address", text.span, message).help(help));
    None
}

/// Fills what else is said of a log file.
pub(super) fn log_extras(extras: &logs::LogExtras, fill: &mut Filler<'_, '_>) -> LogExtras {
    let logs::LogExtras { compress, form, stderr, syslog, forward } = extras;
    let address = |to: &logs::Receiver, fill: &mut Filler<'_, '_>| match to {
        logs::Receiver::Tcp(text) => tcp("tcp", text, fill),
        logs::Receiver::Udp(text) => udp("udp", text, fill),
        logs::Receiver::Unix(path) => Some(Address::Unix(fill.path(path), 0)),
    };
    LogExtras {
        compress: compress.is_some(),
        form: form.map(|form| form.value),
        stderr: stderr.as_ref().map(|path| fill.path(path)),
        syslog: syslog.is_some(),
        forward: forward
            .iter()
            .filter_map(|forward| Some((address(&forward.to, fill)?, forward.form)))
            .collect(),
    }
}

fn filled(watch: &change::Watch, fill: &mut Filler<'_, '_>) -> Watch {
    let change::Watch { paths, ignore, debounce, reaction, cascade, span: _ } = watch;
    Watch {
        paths: paths.iter().map(|path| fill.path(path)).collect(),
        ignore: ignore.clone(),
        debounce: *debounce,
        reaction: *reaction,
        cascade: *cascade,
    }
}

/// Says that a service would be restarted by what it writes to its own log.
fn covers_own_log(
    written: &change::Watch,
    watch: &Watch,
    declared: &Service,
    logs: &Logs,
    fill: &mut Filler<'_, '_>,
) {
    let Logs::File { path, extras, .. } = logs else { return };
    let logs::Logs::File { path: out, extras: written_extras, .. } = &declared.logs else { return };
    let place = |path: &Option<FilePath>| path.as_ref().map(|path| path.text.span);
    let own: [(Option<&PathBuf>, Option<Span>); 2] = [
        (path.as_ref(), place(out)),
        (
            extras.as_ref().and_then(|extras| extras.stderr.as_ref()),
            written_extras.as_ref().and_then(|extras| place(&extras.stderr)),
        ),
    ];
    for (log, log_span) in own.into_iter().filter_map(|(log, span)| Some((log?, span?))) {
        let below = |watched: &PathBuf| log.strip_prefix(watched).ok();
        let covers = |watched: &PathBuf| below(watched).is_some_and(|below| !watch.ignore.holds(below));
        let Some(at) = watch.paths.iter().position(covers) else { continue };
        let file = log.file_name().map(Path::new).unwrap_or(log).display();
        let own = match log.extension() {
            Some(end) => format!("*.{}", end.display()),
            None => file.to_string(),
        };
        let patterns = watch.ignore.0.iter().map(|pattern| pattern.as_str().to_owned());
        let ignore = patterns.chain([own]).collect::<Vec<_>>().join(" ");
        let message =
            format!("`{}` watches its own log: every line it writes would restart it", declared.name.value);
        fill.say(
            Diagnostic::error("svc::watch-own-log", written.paths[at].text.span, message)
                .here(format!("the log `{file}` is in here"))
                .label(log_span, "its log")
                .help(format!("write `ignore=\"{ignore}\"` behind `watch`, or put the log elsewhere")),
        );
    }
}

/// Returns what an event listener is told of.
pub(super) fn listener(declared: &event::EventListener) -> EventListener {
    let event::EventListener { events, buffer, length, span: _ } = declared;
    EventListener { events: events.clone(), buffer: *buffer, length: *length }
}

/// Fills how svc can be reached; there are no variables in it.
pub(super) fn control(declared: control::Control) -> Control {
    let socket = |socket: control::Socket| ControlSocket {
        path: socket.path.map(|path| joined(&path.folder, &path.text.raw)),
        mode: socket.mode.map_or(0o600, |mode| mode.value),
        owner: socket.owner.map(|owner| owner.value),
    };
    let http = |http: control::Http| ControlHttp {
        host: http.host,
        port: http.port,
        users: http.users.into_iter().map(|user| (user.name.value, user.hash)).collect(),
    };
    Control {
        sockets: declared.sockets.into_iter().map(socket).collect(),
        http: declared.http.into_iter().map(http).collect(),
    }
}
