//! Services that wait for each other: one diagnostic a knot, one label an edge.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::check::{Wire, Written};
use crate::graph::cycle::{self, Cycle};
use crate::graph::plan::{Relation, Service};

/// How many edges of a loop are named and labelled; a longer one is shown without its middle.
pub(super) const EDGES_SHOWN: usize = 24;

/// Reports the shortest loop of every knot of services.
pub(crate) fn cycles(services: &[Service], wires: &[Wire], out: &mut Diagnostics) {
    // A service that waits for itself has been told so in words of its own.
    let wires: Vec<&Wire> = wires.iter().filter(|wire| wire.dependent != wire.dependency).collect();
    let list: Vec<(u32, u32)> = wires.iter().map(|wire| (wire.dependent.0, wire.dependency.0)).collect();
    for found in cycle::find(services.len(), &list) {
        out.push(describe(services, &wires, &found));
    }
}

fn describe(services: &[Service], wires: &[&Wire], found: &Cycle) -> Diagnostic {
    let name = |wire: &Wire| services[wire.dependent.0 as usize].name.as_str();
    let edges: Vec<&Wire> = found.arrows.iter().map(|&at| wires[at as usize]).collect();
    let (shown, hidden) = shown(edges.len());

    let mut names = Vec::new();
    for &at in &shown {
        if at > 0 && !shown.contains(&(at - 1)) {
            names.push(format!("({hidden} more)"));
        }
        names.push(name(edges[at]).to_owned());
    }
    names.push(name(edges[0]).to_owned());
    let message = format!("services wait for each other: {}", names.join(" → "));

    let mut diagnostic = Diagnostic::error("svc::dependency-cycle", edges[0].span, message);
    for &at in &shown {
        let last = at + 1 == edges.len();
        let text = format!(
            "{}. {}{}",
            at + 1,
            sentence(services, edges[at]),
            if last { ", which closes the loop" } else { "" }
        );
        diagnostic = if at == 0 { diagnostic.here(text) } else { diagnostic.label(edges[at].span, text) };
    }
    diagnostic.help(help(services, &edges, wires, found))
}

/// Returns which positions of a loop of `count` edges are shown, and how many are not.
fn shown(count: usize) -> (Vec<usize>, usize) {
    if count <= EDGES_SHOWN {
        return ((0..count).collect(), 0);
    }
    let half = EDGES_SHOWN / 2;
    ((0..half).chain(count - half..count).collect(), count - EDGES_SHOWN)
}

fn sentence(services: &[Service], wire: &Wire) -> String {
    let dependent = &services[wire.dependent.0 as usize].name;
    let dependency = &services[wire.dependency.0 as usize].name;
    match wire.written {
        Written::DependsOn => format!("`{dependent}` waits for `{dependency}`"),
        Written::After => format!("`{dependent}` comes after `{dependency}`"),
        Written::Before => {
            format!("`{dependency}` comes before `{dependent}`, so `{dependent}` waits for `{dependency}`")
        }
    }
}

/// Says what to do, and where it costs least to break the loop.
fn help(services: &[Service], edges: &[&Wire], wires: &[&Wire], found: &Cycle) -> String {
    let mut help = match edges.len() {
        2 => "neither can ever start; remove one of the two edges".to_owned(),
        count => format!("none of these can ever start; remove one of the {count} edges"),
    };
    let numbered = |wire: &Wire| {
        let at = edges.iter().position(|edge| std::ptr::eq(*edge, wire)).unwrap_or_default();
        format!("edge {}: {}", at + 1, written(services, wire))
    };
    let untying: Vec<&Wire> = found.untying.iter().map(|&at| wires[at as usize]).collect();
    let candidates = if untying.is_empty() { edges } else { &untying };
    match candidates.iter().min_by_key(|wire| weight(wire)).filter(|wire| weight(wire) < HARD) {
        Some(wire) if weight(wire) == ORDERING => {
            help.push_str(&format!(", first of all {} only orders", numbered(wire)));
        }
        Some(wire) => help.push_str(&format!(", first of all {} is not required", numbered(wire))),
        None if !untying.is_empty() && untying.len() < edges.len() => {
            help.push_str(&format!(", best {} is part of every loop", numbered(untying[0])));
        }
        None => {}
    }
    let others = found.knot as usize - edges.len();
    if others > 0 {
        let (services, them) = match others {
            1 => ("1 more service is".to_owned(), "it"),
            _ => (format!("{others} more services are"), "them"),
        };
        help.push_str(&match untying.is_empty() {
            true => format!("; {services} tied to them in further loops"),
            false => format!("; {services} tied to them, and that frees {them} too"),
        });
    }
    help
}

const ORDERING: u8 = 0;
const SOFT: u8 = 1;
const HARD: u8 = 2;

/// Returns how much is lost with an edge: an order, a wish, a need.
fn weight(wire: &Wire) -> u8 {
    match wire.relation {
        Relation::Order => ORDERING,
        Relation::DependsOn { required: false, .. } => SOFT,
        Relation::DependsOn { required: true, .. } => HARD,
    }
}

/// Returns an edge as it is written: `after db` in `api`.
fn written(services: &[Service], wire: &Wire) -> String {
    let dependent = &services[wire.dependent.0 as usize].name;
    let dependency = &services[wire.dependency.0 as usize].name;
    match wire.written {
        Written::DependsOn => format!("`depends-on {dependency}` in `{dependent}`"),
        Written::After => format!("`after {dependency}` in `{dependent}`"),
        Written::Before => format!("`before {dependent}` in `{dependency}`"),
    }
}
