//! Further things that only one process can have: a socket, the terminal, a name.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::graph::check::PortUse;
use crate::graph::check::clash::both;
use crate::graph::plan::{Address, Instance, InstanceId, Service, ServiceId};

/// A socket of an instance and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct SocketUse {
    pub(crate) address: Address,
    pub(crate) instance: InstanceId,
    pub(crate) span: Span,
}

/// Reports sockets that could not all be opened, and ports of which svc would open the socket that a service was
/// told to open itself. Replicas share a socket; disabled services do not count.
pub(crate) fn sockets(
    services: &[Service],
    instances: &[Instance],
    mut uses: Vec<SocketUse>,
    ports: &[PortUse],
    out: &mut Diagnostics,
) {
    if uses.is_empty() {
        return;
    }
    let instance = |id: InstanceId| &instances[id.0 as usize];
    uses.retain(|used| !services[instance(used.instance).service.0 as usize].disabled);
    let mut found: BTreeMap<(Span, Span), (String, String, String)> = BTreeMap::new();
    let mut add = |what: String, first: (InstanceId, Span), second: (InstanceId, Span)| {
        let (first, second) = if second.1 < first.1 { (second, first) } else { (first, second) };
        let name = |id| instance(id).name.to_string();
        found.entry((second.1, first.1)).or_insert((what, name(first.0), name(second.0)));
    };
    let mut places: BTreeMap<Place<'_>, Vec<&SocketUse>> = BTreeMap::new();
    for used in &uses {
        places.entry(place(&used.address)).or_default().push(used);
    }
    for together in places.values() {
        for (at, second) in together.iter().enumerate() {
            let shared = |first: &SocketUse| {
                first.span == second.span
                    && instance(first.instance).service == instance(second.instance).service
            };
            let clash =
                together[..at].iter().find(|first| meet(&first.address, &second.address) && !shared(first));
            if let Some(first) = clash {
                add(shown(&second.address), (first.instance, first.span), (second.instance, second.span));
            }
        }
    }
    for port in ports {
        let own = instance(port.instance).service;
        if services[own.0 as usize].disabled {
            continue;
        }
        let there = places.get(&Place::Tcp(port.number));
        let other = there.and_then(|there| there.iter().find(|used| instance(used.instance).service != own));
        if let Some(used) = other {
            add(shown(&used.address), (used.instance, used.span), (port.instance, port.span));
        }
    }
    for ((second, first), (what, a, b)) in found {
        let message = match a == b {
            true => format!("`{a}` listens on {what} twice"),
            false => format!("`{a}` and `{b}` would both listen on {what}"),
        };
        let diagnostic = Diagnostic::error("svc::socket-clash", second, message);
        out.push(
            both(diagnostic, first, second, |who| format!("`{}` listens on it", [&a, &b][who]))
                .help("give each an address of its own"),
        );
    }
}

/// What sockets clash in, if in anything.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Tcp(u16),
    Udp(u16),
    Unix(&'a std::path::Path),
}

fn place(address: &Address) -> Place<'_> {
    match address {
        Address::Tcp(_, port) => Place::Tcp(*port),
        Address::Udp(_, port) => Place::Udp(*port),
        Address::Unix(path, _) => Place::Unix(path),
    }
}

/// Returns whether two addresses of one place are the same, or one is that of the whole machine.
fn meet(a: &Address, b: &Address) -> bool {
    let host = |address: &Address| match address {
        Address::Tcp(host, _) | Address::Udp(host, _) => match host.as_str() {
            "0.0.0.0" | "[::]" => None,
            "localhost" => Some("127.0.0.1".to_owned()),
            host => Some(host.to_owned()),
        },
        Address::Unix(..) => None,
    };
    match (host(a), host(b)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn shown(address: &Address) -> String {
    match address {
        Address::Tcp(host, port) => format!("`{host}:{port}`"),
        Address::Udp(host, port) => format!("`{host}:{port}` (UDP)"),
        Address::Unix(path, _) => format!("`{}`", path.display()),
    }
}

/// Reports instances that want the terminal when another one has it.
pub(crate) fn terminal(
    services: &[Service],
    instances: &[Instance],
    uses: &[(InstanceId, Span)],
    out: &mut Diagnostics,
) {
    let service = |id: InstanceId| instances[id.0 as usize].service;
    let mut enabled = uses.iter().filter(|(id, _)| !services[service(*id).0 as usize].disabled);
    let Some(&(first, first_span)) = enabled.next() else { return };
    let mut last = None;
    for &(second, span) in enabled {
        if last.replace(service(second)) == Some(service(second)) {
            continue;
        }
        let name = |id| &services[service(id).0 as usize].name;
        out.push(if service(first) == service(second) {
            let message = format!("the replicas of `{}` cannot all have the terminal", name(first));
            Diagnostic::error("svc::terminal-clash", span, message).help("remove `tty` or `replicas`")
        } else {
            let message = format!("`{}` and `{}` cannot both have the terminal", name(first), name(second));
            let diagnostic = Diagnostic::error("svc::terminal-clash", span, message);
            both(diagnostic, first_span, span, |_| "here".to_owned()).help("keep it in one of them")
        });
    }
}

/// Reports instances that their pattern gives the name of another instance or service.
pub(crate) fn names(
    services: &[Service],
    instances: &[Instance],
    patterns: &[(ServiceId, Span)],
    out: &mut Diagnostics,
) {
    if patterns.is_empty() {
        return;
    }
    let mut known: BTreeMap<&str, ServiceId> = BTreeMap::new();
    for (service, at) in services.iter().zip(0..) {
        known.insert(service.name.as_str(), ServiceId(at));
    }
    let own = |instance: &Instance| patterns.iter().find(|(service, _)| *service == instance.service);
    for instance in instances.iter().filter(|instance| own(instance).is_none()) {
        known.insert(&instance.name, instance.service);
    }
    let mut reported = None;
    for instance in instances {
        let Some((service, span)) = own(instance) else { continue };
        let Some(other) = known.insert(&instance.name, *service) else { continue };
        if reported.replace(*service) == Some(*service) {
            continue;
        }
        let other = &services[other.0 as usize];
        let message = format!("`{}` is the name of something else too", instance.name);
        out.push(
            Diagnostic::error("svc::instance-clash", *span, message)
                .here(format!("an instance of `{}`", services[service.0 as usize].name))
                .label(other.span, format!("`{}` has it", other.name))
                .help("put the service's name into the pattern: `name=\"NAME_%02d\"`"),
        );
    }
}
