//! What the services report through a FIFO.
//!
//! It is read now and then, not for each line: who watches must not slow down what is watched.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::pipe::fcntl_setpipe_size;

/// How often the FIFO is looked at.
const PAUSE: Duration = Duration::from_millis(2);

/// One line of a service.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// `S` for its start, `B` for the beginning of its output, `R` for ready, `D` for done.
    pub(crate) what: char,
    pub(crate) name: String,
    /// Its clock, in seconds.
    pub(crate) at: f64,
    pub(crate) pid: u32,
}

/// The FIFO, and everything that came out of it.
pub(crate) struct Reports {
    pub(crate) path: PathBuf,
    file: File,
    rest: Vec<u8>,
    /// Every process that has reported.
    pub(crate) pids: Vec<u32>,
}

impl Reports {
    pub(crate) fn new(path: PathBuf) -> Self {
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("the tmpfs has FIFOs");
        // Open for writing as well: so there is always a reader and never an end.
        let file = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        let file = file.expect("it was just made");
        fcntl_setpipe_size(&file, 1 << 20).expect("a pipe may be a megabyte large");
        Self { path, file, rest: Vec::new(), pids: Vec::new() }
    }

    /// Collects `count` reports of one kind; panics when they do not come within two minutes.
    pub(crate) fn collect(&mut self, what: char, count: usize) -> Vec<Report> {
        let (mut reports, limit) = (Vec::with_capacity(count), now() + 120.0);
        loop {
            self.read();
            let lines = self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
            let lines: Vec<u8> = self.rest.drain(..lines).collect();
            for line in String::from_utf8_lossy(&lines).lines() {
                let report = parse(line).expect("services report whole lines");
                if report.what == 'S' {
                    self.pids.push(report.pid);
                }
                if report.what == what {
                    reports.push(report);
                }
            }
            if reports.len() >= count {
                return reports;
            }
            assert!(now() < limit, "only {} of {count} services reported {what}", reports.len());
            std::thread::sleep(PAUSE);
        }
    }

    fn read(&mut self) {
        match self.file.read_to_end(&mut self.rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
        }
    }
}

/// Returns the clock of the reports, in seconds.
pub(crate) fn now() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has it");
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// Returns when the last of some reports was made.
pub(crate) fn last(reports: &[Report]) -> f64 {
    reports.iter().map(|report| report.at).fold(f64::MIN, f64::max)
}

fn parse(line: &str) -> Option<Report> {
    let mut words = line.split(' ');
    let what = words.next()?.chars().next()?;
    let name = words.next()?.to_owned();
    let at = words.next()?.parse::<u64>().ok()? as f64 / 1e9;
    Some(Report { what, name, at, pid: words.next()?.parse().ok()? })
}
