//! What is wrong between services: each service may be right in itself, and together they cannot run.
//!
//! Every check gets the services, their instances and the wires between them, and reports into the
//! one list. A name that leads nowhere has been reported before; here all ends are known.

mod clash;
mod cycle;
mod edge;
mod single;

pub(crate) use clash::{FileUse, PortUse, log_files, pid_files, ports};
pub(crate) use single::{SocketUse, names, sockets, terminal};

use crate::diagnostic::{Diagnostics, Span};
use crate::graph::plan::{Instance, Relation, Service, ServiceId};

/// An edge between two services as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// The one that waits.
    pub(crate) dependent: ServiceId,
    /// The one it waits for.
    pub(crate) dependency: ServiceId,
    /// The node it is written in.
    pub(crate) written: Written,
    /// What holds between them.
    pub(crate) relation: Relation,
    /// The name of the other end, where it is written.
    pub(crate) span: Span,
    /// The condition, if it is written.
    pub(crate) condition_span: Option<Span>,
}

/// The nodes an edge can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// `depends-on`, in the dependent.
    DependsOn,
    /// `after`, in the dependent.
    After,
    /// `before`, in the dependency.
    Before,
}

/// Checks every edge by itself, then all of them together for loops. Nobody is blamed for what a
/// `damaged` service may only have lost.
pub(crate) fn edges(
    damaged: &[bool],
    services: &[Service],
    instances: &[Instance],
    wires: &[Wire],
    out: &mut Diagnostics,
) {
    let whole = |wire: &&Wire| !damaged[wire.dependency.0 as usize];
    let judged: Vec<Wire> = wires.iter().filter(whole).copied().collect();
    edge::conditions(services, instances, &judged, out);
    edge::disabled(services, wires, out);
    edge::profiles(services, wires, out);
    edge::repeated(services, wires, out);
    cycle::cycles(services, wires, out);
}

#[cfg(test)]
mod tests;
