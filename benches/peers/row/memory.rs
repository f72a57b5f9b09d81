//! The memory of everything on the supervisor's side.

use std::time::Duration;

use crate::bench::{Bench, pss};
use crate::peer::{Peer, Running, Services};

pub(crate) fn run(bench: &Bench) {
    for count in [0, 100, 1000] {
        let what = format!("memory (PSS), {count} services, output captured");
        bench.row(&what, "MB", |peer| {
            if peer == Peer::Bare {
                return None;
            }
            let running = Running::up(bench, peer, &Services::pausing(count, true));
            std::thread::sleep(Duration::from_secs(2));
            Some(pss(&running.pids()))
        });
    }
}
