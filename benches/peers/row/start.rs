//! From before the supervisor is executed until the last service's first instruction.

use crate::bench::Bench;
use crate::peer::{Running, Services};
use crate::reports::last;

pub(crate) fn run(bench: &Bench) {
    for (captured, how) in [(false, ""), (true, ", output captured")] {
        for count in [1, 100, 1000] {
            bench.row(&format!("cold start, {count} services{how}"), "ms", |peer| {
                let mut running = Running::start(bench, peer, &Services::pausing(count, captured));
                let started = running.reports.collect('S', count);
                Some((last(&started) - running.begin) * 1000.0)
            });
        }
    }
}
