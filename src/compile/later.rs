//! What a service file can say and no version does yet.
//!
//! `check` and `graph` know it in full; `svc up` refuses it at its place, because to ignore it would
//! be worse. Whoever makes one of these work takes its line out of here. Nothing else in the tree decides
//! what is refused.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::control::Control;
use crate::model::logs::{LogExtras, Logs, Receiver};
use crate::model::{Model, Service};

/// Says what of a model cannot be run yet.
pub(super) fn later(model: &Model) -> Diagnostics {
    let mut out = Diagnostics::default();
    let mut said = BTreeSet::new();
    let mut say = |span: Span, what: &str| {
        // A line of `defaults` or a template holds for many.
        if said.insert(span) {
            let message = format!("svc cannot run this yet: {what}");
            out.push(
                Diagnostic::error("svc::not-yet", span, message)
                    .help("`svc check` knows it and nothing is wrong with it; remove it to start"),
            );
        }
    };
    control(&model.control, &mut say);
    for service in &model.services {
        self::service(service, &mut say);
    }
    out.sort();
    out
}

fn control(control: &Control, say: &mut impl FnMut(Span, &str)) {
    for socket in &control.sockets {
        match (&socket.path, socket.mode, &socket.owner) {
            (Some(_), ..) => say(socket.span, "a further control socket"),
            (None, Some(mode), _) if mode.value != 0o600 => {
                say(mode.span, "a control socket for others than its owner");
            }
            (None, _, Some(owner)) => say(owner.span, "a control socket of another user"),
            (None, ..) => {}
        }
    }
    for http in &control.http {
        say(http.span, "control over HTTP on an address");
    }
}

fn service(service: &Service, say: &mut impl FnMut(Span, &str)) {
    let Service { tty, forks, watchdog, .. } = service;
    let Service { event_listener, logs, .. } = service;
    let whole = [
        (*tty, "a service on the terminal"),
        (forks.as_ref().map(|forks| forks.span), "a service that puts itself into the background"),
        (watchdog.map(|watchdog| watchdog.span), "a watchdog"),
        (event_listener.as_ref().map(|listener| listener.span), "an event listener"),
    ];
    for (span, what) in whole.into_iter().filter_map(|(span, what)| Some((span?, what))) {
        say(span, what);
    }
    if let Logs::File { extras: Some(extras), .. } = logs {
        log(extras, say);
    }
}

fn log(extras: &LogExtras, say: &mut impl FnMut(Span, &str)) {
    let LogExtras { compress, form: _, stderr: _, syslog: _, forward } = extras;
    if let Some(span) = *compress {
        say(span, "compressed logs");
    }
    for forward in forward {
        match &forward.to {
            Receiver::Unix(_) => {}
            Receiver::Udp(to) if to.raw.parse::<SocketAddr>().is_ok() => {}
            Receiver::Udp(_) => say(forward.span, "a log that is forwarded to a host by its name"),
            Receiver::Tcp(_) => say(forward.span, "a log that is forwarded over TCP"),
        }
    }
}
