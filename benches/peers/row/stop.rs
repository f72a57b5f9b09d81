//! From the request to stop until nothing is left.

use std::time::Duration;

use crate::bench::Bench;
use crate::peer::{Running, Services};

pub(crate) fn run(bench: &Bench) {
    for count in [100, 1000] {
        bench.row(&format!("stop of {count} that obey SIGTERM"), "ms", |peer| {
            let running = Running::up(bench, peer, &Services::pausing(count, true));
            // supervisord takes what is younger than a second for not yet started.
            std::thread::sleep(Duration::from_millis(1500));
            Some(running.stop() * 1000.0)
        });
    }
}
