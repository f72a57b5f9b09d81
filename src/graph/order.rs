//! The order of a plan: what starts in which wave, what stops in which, and the longest chain.
//!
//! Everything is counted in services, since all instances of a service wait for the same. Times are
//! not known here: the longest chain is the one with the most services.

use std::time::Duration;

use crate::graph::arrows::Arrows;
use crate::graph::plan::{Edge, InstanceId, Link, Plan, Relation, ServiceId};

/// The order in which the services of a plan start and stop.
#[derive(Clone, Debug)]
pub struct Order {
    links: Vec<Link>,
    forth: Arrows,
    back: Arrows,
    started: Vec<bool>,
    start_wave: Vec<Option<u32>>,
    stop_wave: Vec<Option<u32>>,
}

/// Which way to go along the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// To what something waits for.
    Dependencies,
    /// To what waits for it.
    Dependents,
}

impl Order {
    /// Works out the order of `plan` when all of it is started: every service that is not disabled,
    /// and what those depend on.
    pub fn of(plan: &Plan) -> Self {
        let count = plan.services.len();
        let links: Vec<Link> = plan.links().collect();
        let ends = |link: &Link| (link.dependent.0, link.dependency.0);
        let needs: Vec<(u32, u32)> = links.iter().filter(|link| pulls_in(link.relation)).map(ends).collect();
        let enabled = plan.services().filter(|(_, service)| !service.is_off()).map(|(id, _)| id.0);
        let started = Arrows::new(count, &needs).reach(enabled);

        let list: Vec<(u32, u32)> = links.iter().map(ends).collect();
        let (forth, back) = (Arrows::new(count, &list), Arrows::reversed(count, &list));
        // An order holds only between what is started: what is not started is not waited for.
        let among = |&(from, to): &(u32, u32)| started[from as usize] && started[to as usize];
        let running: Vec<(u32, u32)> = list.iter().copied().filter(among).collect();
        let (running_forth, running_back) = (Arrows::new(count, &running), Arrows::reversed(count, &running));
        let mut start_wave = running_forth.depths(&running_back);
        let mut stop_wave = running_back.depths(&running_forth);
        for (node, _) in started.iter().enumerate().filter(|&(_, started)| !started) {
            (start_wave[node], stop_wave[node]) = (None, None);
        }
        Self { links, forth, back, started, start_wave, stop_wave }
    }

    /// Returns the start-up waves: each holds the services that wait only for earlier ones, in the
    /// order of the file.
    pub fn start_waves(&self) -> Vec<Vec<ServiceId>> {
        waves(&self.start_wave)
    }

    /// Returns the waves of a complete stop: what nothing waits for stops first.
    pub fn stop_waves(&self) -> Vec<Vec<ServiceId>> {
        waves(&self.stop_wave)
    }

    /// Returns the disabled services that nothing pulls in: they are in no wave.
    pub fn left_out(&self) -> Vec<ServiceId> {
        let ids = (0..self.started.len()).filter(|&node| !self.started[node]);
        ids.map(|node| ServiceId(node as u32)).collect()
    }

    /// Returns the start-up wave of a service, from 0; `None` when it is left out.
    pub fn start_wave(&self, id: ServiceId) -> Option<u32> {
        self.start_wave[id.0 as usize]
    }

    /// Returns the wave a service stops in, from 0; `None` when it is left out.
    pub fn stop_wave(&self, id: ServiceId) -> Option<u32> {
        self.stop_wave[id.0 as usize]
    }

    /// Returns the relations between services, in the order of the dependents.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Iterates over what `id` waits for.
    pub fn waits_for(&self, id: ServiceId) -> impl Iterator<Item = &Link> {
        self.forth.of(id.0).iter().map(|&(_, position)| &self.links[position as usize])
    }

    /// Iterates over what waits for `id`.
    pub fn awaited_by(&self, id: ServiceId) -> impl Iterator<Item = &Link> {
        self.back.of(id.0).iter().map(|&(_, position)| &self.links[position as usize])
    }

    /// Returns the longest chain of services that start one after another, the first to start first.
    /// Of several the one that ends with the service that comes first in the file.
    pub fn longest_chain(&self) -> Vec<ServiceId> {
        let ids = (0..self.start_wave.len() as u32).map(ServiceId);
        let last =
            ids.rev().filter(|&id| self.start_wave(id).is_some()).max_by_key(|&id| self.start_wave(id));
        let mut chain: Vec<ServiceId> = last.into_iter().collect();
        while let Some(&id) = chain.last() {
            let Some(wave) = self.start_wave(id).and_then(|wave| wave.checked_sub(1)) else { break };
            let mut candidates = self.waits_for(id).map(|link| link.dependency);
            let before = candidates.find(|&dependency| self.start_wave(dependency) == Some(wave));
            chain.push(before.expect("a service of a later wave waits for one of the wave before it"));
        }
        chain.reverse();
        chain
    }

    /// Returns how long a complete stop of `plan`, whose order this is, takes at most: the longest chain
    /// of grace periods, and its services, the first to stop first.
    pub fn longest_stop(&self, plan: &Plan) -> (Duration, Vec<ServiceId>) {
        // When a service is stopped at the latest, and after whom.
        let mut ends: Vec<(Duration, Option<ServiceId>)> = vec![(Duration::ZERO, None); self.stop_wave.len()];
        let mut last = None;
        for id in self.stop_waves().into_iter().flatten() {
            let before = self.awaited_by(id).map(|link| link.dependent);
            let before = before.filter(|&dependent| self.stop_wave(dependent).is_some());
            let before = before.max_by_key(|dependent| ends[dependent.0 as usize].0);
            let begin = before.map_or(Duration::ZERO, |dependent| ends[dependent.0 as usize].0);
            let end = begin.saturating_add(plan.services[id.0 as usize].rules.stop.grace);
            ends[id.0 as usize] = (end, before);
            if last.is_none_or(|last: ServiceId| end > ends[last.0 as usize].0) {
                last = Some(id);
            }
        }
        let longest = last.map_or(Duration::ZERO, |last| ends[last.0 as usize].0);
        let mut chain: Vec<ServiceId> = std::iter::successors(last, |id| ends[id.0 as usize].1).collect();
        chain.reverse();
        (longest, chain)
    }
}

impl Plan {
    /// Returns `roots` and everything that they need (or that needs them) by `depends-on`, however
    /// far away, in the order of the plan. Ordering edges pull nothing in.
    pub fn closure(&self, roots: &[InstanceId], toward: Toward) -> Vec<InstanceId> {
        let needs = self.edges.iter().filter(|edge| pulls_in(edge.relation));
        let list: Vec<(u32, u32)> = needs.map(|edge: &Edge| (edge.dependent.0, edge.dependency.0)).collect();
        let arrows = match toward {
            Toward::Dependencies => Arrows::new(self.instances.len(), &list),
            Toward::Dependents => Arrows::reversed(self.instances.len(), &list),
        };
        let reached = arrows.reach(roots.iter().map(|id| id.0));
        self.instances().map(|(id, _)| id).filter(|id| reached[id.0 as usize]).collect()
    }
}

/// Returns whether a relation starts its dependency, and does not only wait for it.
fn pulls_in(relation: Relation) -> bool {
    match relation {
        Relation::DependsOn { .. } => true,
        Relation::Order => false,
    }
}

fn waves(wave: &[Option<u32>]) -> Vec<Vec<ServiceId>> {
    let count = wave.iter().flatten().max().map_or(0, |&last| last as usize + 1);
    let mut waves = vec![Vec::new(); count];
    for (node, wave) in wave.iter().enumerate() {
        if let Some(wave) = wave {
            waves[*wave as usize].push(ServiceId(node as u32));
        }
    }
    waves
}
