//! From `SIGKILL` until the first instruction of the process that replaces it.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::bench::{Bench, median};
use crate::peer::{Peer, Running, Services, send};
use crate::reports::now;

const SERVICES: usize = 10;

pub(crate) fn run(bench: &Bench) {
    bench.row("restart after SIGKILL, first delay 0: median", "ms", |peer| {
        let kills = match peer {
            Peer::Supervisord => bench.choose(10, 5),
            Peer::Bare | Peer::Svc => bench.choose(50, 10),
        };
        let mut running = Running::start(bench, peer, &Services::pausing(SERVICES, true));
        let mut lives = running.reports.collect('S', SERVICES);
        // Older than the second that supervisord calls a start.
        std::thread::sleep(Duration::from_millis(1500));
        let took = (0..kills).map(|round| {
            let victim = round % SERVICES;
            let (pid, name) = (lives[victim].pid, lives[victim].name.clone());
            let killed = now();
            send(pid, Signal::SIGKILL);
            running.spawn_again(pid, &name);
            let next = running.reports.collect('S', 1).swap_remove(0);
            let took = (next.at - killed) * 1000.0;
            lives[victim] = next;
            took
        });
        median(took.collect())
    });
}
