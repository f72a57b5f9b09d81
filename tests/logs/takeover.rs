//! The pumping process is killed at any instant and another one goes on.

#![expect(
    clippy::disallowed_methods,
    reason = "the campaign runs and kills real processes and counts their time"
)]

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, set_parent_process_death_signal};
use svc::logs::{Next, Pump};

use super::support::{kept, pipe, settings};

/// Tells a copy of this test binary that it is the pumping process, and where its log lies.
const ROLE: &str = "SVC_TEST_PUMP_LOG";
const MAX_SIZE: u64 = 300_000;
const KEEP: u32 = 1_000;

/// Pumps standard input into the log until nobody can write any more.
fn pump_for_ever(log: PathBuf) {
    set_parent_process_death_signal(Some(Signal::KILL)).expect("can be set");
    let stdin = rustix::io::dup(std::io::stdin()).expect("is open");
    let mut pump = Pump::new(stdin, settings(&log, MAX_SIZE, KEEP));
    loop {
        match pump.drain(Timestamp::now()).next {
            Next::Closed => return,
            Next::After(_) => {}
            Next::Readable => {
                let mut fds = [PollFd::new(&pump, PollFlags::IN)];
                poll(&mut fds, None).expect("can wait");
            }
        }
    }
}

fn start(read: &OwnedFd, log: &PathBuf) -> Child {
    Command::new(std::env::current_exe().expect("is known"))
        .args([
            "--exact",
            "logs::takeover::no_line_is_lost_doubled_or_torn_by_kills_at_any_instant",
            "--nocapture",
        ])
        .env(ROLE, log)
        .stdin(Stdio::from(read.try_clone().expect("can be copied")))
        .stdout(Stdio::null())
        .spawn()
        .expect("can be started")
}

#[test]
fn no_line_is_lost_doubled_or_torn_by_kills_at_any_instant() {
    if let Some(log) = std::env::var_os(ROLE) {
        return pump_for_ever(log.into());
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("x.log");
    let (read, mut service) = pipe();
    let end = Instant::now() + Duration::from_secs(4);
    let writer = std::thread::spawn(move || {
        let mut lines = 0_u64;
        while Instant::now() < end {
            let length = usize::try_from(lines * 7919 % 150).expect("small");
            writeln!(service, "{lines} {}", "x".repeat(length)).expect("the pipe takes it");
            lines += 1;
        }
        lines
    });
    let mut kills = 0_u64;
    while !writer.is_finished() {
        let mut child = start(&read, &log);
        let_it_work(kills);
        child.kill().expect("can be killed");
        child.wait().expect("is a child");
        kills += 1;
    }
    let lines = writer.join().expect("the writer is well");
    assert!(start(&read, &log).wait().expect("is a child").success());
    let files = kept(&log);
    check(&files, lines);
    assert!(kills > 20 && files.len() > 3, "{kills} kills, {} files: too few to show anything", files.len());
}

/// Lets the pumping process work for a while that differs each time.
fn let_it_work(kill: u64) {
    let pause = Duration::from_micros(3_000 + kill * 7_919 % 9_000);
    let never = rustix::event::Timespec::try_from(pause).expect("short");
    poll(&mut [], Some(&never)).expect("can wait");
}

/// Finds every line once, whole and in order, and no line split over two files.
fn check(files: &[Vec<u8>], lines: u64) {
    let mut expected = 0_u64;
    for file in files {
        assert!(file.is_empty() || file.ends_with(b"\n"), "a line is split over two files");
        for line in
            file.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        {
            let length = usize::try_from(expected * 7919 % 150).expect("small");
            let want = format!("{expected} {}", "x".repeat(length));
            assert_eq!(String::from_utf8_lossy(line), want, "line {expected} of {lines}");
            expected += 1;
        }
    }
    assert_eq!(expected, lines);
}
