//! The command that shows all services, from its start to its end.

use std::time::Duration;

use crate::bench::{Bench, median};
use crate::peer::{Running, Services};
use crate::reports::now;

pub(crate) fn run(bench: &Bench) {
    for count in [100, 1000] {
        bench.row(&format!("`svc ps`, `supervisorctl status`: {count} services"), "ms", |peer| {
            let running = Running::up(bench, peer, &Services::pausing(count, true));
            let mut ps = running.ps()?;
            std::thread::sleep(Duration::from_millis(1500));
            let took = (0..bench.choose(11, 3)).map(|_| {
                let begin = now();
                // supervisorctl says by its exit code that something is not running; nothing is asked of that.
                ps.status().expect("it can be run");
                (now() - begin) * 1000.0
            });
            median(took.collect())
        });
    }
}
