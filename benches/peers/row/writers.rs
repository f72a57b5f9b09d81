//! A hundred writers of a thousand lines a second; the bare system is a hundred `cat > file`.

use std::time::Duration;

use crate::bench::{Bench, cpu};
use crate::peer::{Running, Services};

const WRITERS: usize = 100;

pub(crate) fn run(bench: &Bench) {
    let seconds = bench.choose(10, 2);
    let what = format!("{WRITERS} writers of 1000 lines a second for {seconds} s: processor time");
    bench.row(&what, "s", |peer| {
        let services = Services::all(WRITERS, &format!("pace 1000 {seconds}"), true);
        let mut running = Running::up(bench, peer, &services);
        let pids = running.pids();
        let before = cpu(&pids);
        running.reports.collect('D', WRITERS);
        std::thread::sleep(Duration::from_millis(300));
        Some(cpu(&pids) - before)
    });
}
