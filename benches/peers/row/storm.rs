//! A hundred services are killed at once: until all are back.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::bench::Bench;
use crate::peer::{Peer, Running, Services, send};
use crate::reports::{last, now};

const SERVICES: usize = 100;

pub(crate) fn run(bench: &Bench) {
    bench.row("100 killed at once: until all are back", "ms", |peer| {
        let mut running = Running::start(bench, peer, &Services::pausing(SERVICES, true));
        let lives = running.reports.collect('S', SERVICES);
        std::thread::sleep(Duration::from_millis(1500));
        let killed = now();
        lives.iter().for_each(|life| send(life.pid, Signal::SIGKILL));
        if peer == Peer::Bare {
            lives.iter().for_each(|life| running.spawn_again(life.pid, &life.name));
        }
        let back = running.reports.collect('S', SERVICES);
        Some((last(&back) - killed) * 1000.0)
    });
}
