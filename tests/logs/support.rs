//! What the tests of logs share: a pipe with a pump on it, and all that was kept of its output.

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::pipe::{PipeFlags, pipe_with};
use svc::base::Size;
use svc::logs::{Pump, Report, Settings, name};

/// A moment of wall-clock time, in milliseconds after an arbitrary one.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + ms).expect("in range")
}

/// Settings with a size in bytes.
pub(super) fn settings(path: &Path, max_size: u64, keep: u32) -> Settings {
    Settings { path: path.to_owned(), max_size: Size(max_size), keep, form: None, receivers: Vec::new() }
}

/// A pipe as an instance has it: the reading end does not block, the writing end does.
pub(super) fn pipe() -> (OwnedFd, fs::File) {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    rustix::io::ioctl_fionbio(&read, true).expect("can be made non-blocking");
    (read, fs::File::from(write))
}

/// Returns how many bytes a pipe holds: a user who has many pipes gets small ones (pipe(7)).
pub(super) fn capacity(pipe: &fs::File) -> usize {
    rustix::pipe::fcntl_getpipe_size(pipe).expect("a pipe")
}

/// A pump with the service's end of its pipe.
pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) service: fs::File,
    pub(super) pump: Pump,
    now: i64,
}

impl Bench {
    pub(super) fn new(max_size: u64, keep: u32) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (read, service) = pipe();
        let pump = Pump::new(read, settings(&dir.path().join("x.log"), max_size, keep));
        Self { dir, service, pump, now: 0 }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("x.log")
    }

    /// Writes as the service and drains until nothing is left.
    pub(super) fn say(&mut self, bytes: &[u8]) -> Report {
        self.service.write_all(bytes).expect("the pipe takes it");
        self.drain_after(10)
    }

    pub(super) fn drain_after(&mut self, ms: i64) -> Report {
        self.now += ms;
        self.pump.drain(at(self.now))
    }
}

/// Everything that is kept of a log, the oldest first.
pub(super) fn kept(log: &Path) -> Vec<Vec<u8>> {
    let rotated = (1..).map_while(|number| fs::read(name::rotated(log, number)).ok());
    let mut files: Vec<_> = fs::read(log).into_iter().chain(rotated).collect();
    files.reverse();
    files
}
