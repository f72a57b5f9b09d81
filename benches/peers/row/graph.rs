//! Two hundred services that wait for one another, each ready 10 ms after its start.
//!
//! The bare figure is the critical path: what a supervisor that takes no time at all would take.

use crate::bench::Bench;
use crate::peer::{Peer, Running, Services};
use crate::reports::last;

pub(crate) fn run(bench: &Bench) {
    let chains: Vec<_> = (0..200).map(|at| if at % 50 == 0 { vec![] } else { vec![at - 1] }).collect();
    let layers: Vec<_> = (0..200).map(above).collect();
    for (what, needs, critical) in
        [("4 chains of 50", chains, 500.0), ("10 layers of 20, each on 3 of the layer before", layers, 100.0)]
    {
        bench.row(&format!("{what}, 10 ms each: until the last is ready"), "ms", |peer| match peer {
            Peer::Bare => Some(critical),
            Peer::Supervisord => None,
            Peer::Svc => {
                let needs = needs.clone();
                let services = Services { needs, ..Services::all(200, "ready 10 3", false) };
                let mut running = Running::start(bench, peer, &services);
                let ready = running.reports.collect('R', 200);
                Some((last(&ready) - running.begin) * 1000.0)
            }
        });
    }
}

/// Returns three of the twenty services in the layer above.
fn above(at: usize) -> Vec<usize> {
    let Some(layer) = (at / 20).checked_sub(1) else { return Vec::new() };
    [0, 7, 13].map(|step| layer * 20 + (at + step) % 20).to_vec()
}
