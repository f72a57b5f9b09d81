//! One writer flat out, kept in 10 MB files of which five stay; the bare system is `cat > file`.

use std::time::Duration;

use crate::bench::{Bench, cpu};
use crate::peer::{Running, Services};

pub(crate) fn run(bench: &Bench) {
    for (what, length, total) in [("64 KiB writes", 64 << 10, 1 << 30), ("100-byte writes", 100, 268_435_400)]
    {
        let total: usize = if bench.quick { total / 8 / length * length } else { total };
        let what = [
            (&*format!("log of one writer, {what}"), "MB/s"),
            (&*format!("log of one writer, {what}: processor time a GB"), "s"),
        ];
        bench.rows(&what, |peer| {
            let services = Services::all(1, &format!("flood {length} {total}"), true);
            let mut running = Running::start(bench, peer, &services);
            let begin = running.reports.collect('B', 1)[0].at;
            let pids = running.pids();
            let before = cpu(&pids);
            let end = running.reports.collect('D', 1)[0].at;
            // What is still in the pipe belongs to it.
            std::thread::sleep(Duration::from_millis(300));
            let used = cpu(&pids) - before;
            Some(vec![total as f64 / 1e6 / (end - begin), used * 1e9 / total as f64])
        });
    }
}
