//! What a supervisor does while nothing happens.

use std::time::Duration;

use crate::bench::{Bench, cpu, wakes};
use crate::peer::{Peer, Running, Services};

pub(crate) fn run(bench: &Bench) {
    let what = [
        ("idle, 1000 services: processor time a second", "ms"),
        ("idle, 1000 services: wake-ups a second", ""),
    ];
    bench.rows(&what, |peer| {
        if peer == Peer::Bare {
            return None;
        }
        let seconds = bench.choose(10, 2);
        let running = Running::up(bench, peer, &Services::pausing(1000, true));
        let pids = running.pids();
        // supervisord looks at each one second after its start; svc after a quarter.
        std::thread::sleep(Duration::from_secs(2));
        let (before, woken) = (cpu(&pids), wakes(&pids));
        std::thread::sleep(Duration::from_secs(seconds as u64));
        let seconds = seconds as f64;
        Some(vec![(cpu(&pids) - before) * 1000.0 / seconds, (wakes(&pids) - woken) / seconds])
    });
}
