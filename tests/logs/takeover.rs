//! The pumping process is killed at any instant and another one goes on.

#![expect(
    clippy::disallowed_methods,
    reason = "the campaign runs and kills real processes and counts their time"
)]

use std::io::{BufRead as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, set_parent_process_death_signal};
use svc::logs::{Channel, Form, Next, Pump, Settings, Shape};

use super::support::{kept, pipe, settings};

/// Tells a copy of this test binary that it is the pumping process, and where its log lies.
const ROLE: &str = "SVC_TEST_PUMP_LOG";
const MAX_SIZE: u64 = 300_000;
/// Rewriting does less in the time between two kills.
const REWRITTEN_MAX_SIZE: u64 = 20_000;
const KEEP: u32 = 1_000;

/// Tells it what the lines of the log are.
const SHAPE: &str = "SVC_TEST_PUMP_SHAPE";

/// Rewrites the lines of standard input and standard error into the log until nobody can write to either any more.
fn rewrite_for_ever(log: &Path, shape: Shape) {
    set_parent_process_death_signal(Some(Signal::KILL)).expect("can be set");
    let form = Some(Form { shape, instance: "x".to_owned() });
    let settings = Settings { form, ..settings(log, REWRITTEN_MAX_SIZE, KEEP) };
    let copy = |fd: std::os::fd::BorrowedFd<'_>| rustix::io::dup(fd).expect("is open");
    let mut out = Pump::of(copy(std::io::stdin().as_fd()), settings.clone(), Channel::Out);
    let mut err = Pump::of(copy(std::io::stderr().as_fd()), settings, Channel::Err);
    err.join(out.shared().expect("its lines are rewritten"));
    out.resume(Timestamp::now());
    loop {
        let next = [&mut out, &mut err].map(|pump| pump.drain(Timestamp::now()).next);
        match next {
            [Next::Closed, Next::Closed] => break,
            [Next::After(_), _] | [_, Next::After(_)] => {}
            _ => {
                let mut fds = [PollFd::new(&out, PollFlags::IN), PollFd::new(&err, PollFlags::IN)];
                poll(&mut fds, None).expect("can wait");
            }
        }
    }
    out.end_line(Timestamp::now());
    err.end_line(Timestamp::now());
}

/// Kills the process that rewrites the lines of two pipes again and again; returns the lines of each that were written,
/// and the text of the log.
fn rewritten_under_kills(test: &str, shape: &str) -> ([u64; 2], Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("x.log");
    let pipes = [pipe(), pipe()];
    let end = Instant::now() + Duration::from_secs(4);
    let [(out, out_writer), (err, err_writer)] = pipes.map(|(read, mut service)| {
        let writer = std::thread::spawn(move || {
            let mut lines = 0_u64;
            while Instant::now() < end {
                let length = usize::try_from(lines * 7919 % 150).expect("small");
                // In two pieces, so that a take-over finds unfinished lines.
                write!(service, "{lines} ").expect("the pipe takes it");
                writeln!(service, "{}", "x".repeat(length)).expect("the pipe takes it");
                lines += 1;
            }
            lines
        });
        (read, writer)
    });
    let start = || {
        Command::new(std::env::current_exe().expect("is known"))
            .args(["--exact", test, "--nocapture"])
            .env(ROLE, &log)
            .env(SHAPE, shape)
            .stdin(Stdio::from(out.try_clone().expect("can be copied")))
            .stdout(Stdio::null())
            .stderr(Stdio::from(err.try_clone().expect("can be copied")))
            .spawn()
            .expect("can be started")
    };
    let mut kills = 0_u64;
    while !(out_writer.is_finished() && err_writer.is_finished()) {
        let mut child = start();
        let_it_work(kills);
        child.kill().expect("can be killed");
        child.wait().expect("is a child");
        kills += 1;
    }
    let lines = [out_writer, err_writer].map(|writer| writer.join().expect("the writer is well"));
    assert!(start().wait().expect("is a child").success());
    let files = kept(&log);
    assert!(kills > 20 && files.len() > 2, "{kills} kills, {} files: too few to show anything", files.len());
    (lines, files)
}

/// Plays the pumping process when this is a copy of the test binary that is one.
fn is_pump() -> bool {
    let Some(log) = std::env::var_os(ROLE) else { return false };
    match std::env::var(SHAPE).as_deref() {
        Ok("json") => rewrite_for_ever(Path::new(&log), Shape::Json),
        Ok(_) => rewrite_for_ever(Path::new(&log), Shape::Timed),
        Err(_) => pump_for_ever(log.into()),
    }
    true
}

fn text_of(number: u64) -> String {
    format!("{number} {}", "x".repeat(usize::try_from(number * 7919 % 150).expect("small")))
}

#[test]
fn no_json_line_of_two_streams_is_lost_doubled_or_torn_by_kills_at_any_instant() {
    if is_pump() {
        return;
    }
    let test = "logs::takeover::no_json_line_of_two_streams_is_lost_doubled_or_torn_by_kills_at_any_instant";
    let (lines, files) = rewritten_under_kills(test, "json");
    let mut seen = [0_u64; 2];
    for line in files.iter().flat_map(|file| file.lines()) {
        let line = line.expect("lines of JSON are UTF-8");
        let object: serde_json::Value = serde_json::from_str(&line).expect("a whole object");
        let stream = usize::from(object["stream"] == "stderr");
        assert_eq!(object["message"], text_of(seen[stream]), "{line}");
        assert_eq!((&object["instance"], object.get("partial")), (&"x".into(), None), "{line}");
        seen[stream] += 1;
    }
    assert_eq!(seen, lines);
}

#[test]
fn no_line_with_its_time_is_lost_doubled_or_torn_by_kills_at_any_instant() {
    if is_pump() {
        return;
    }
    let test = "logs::takeover::no_line_with_its_time_is_lost_doubled_or_torn_by_kills_at_any_instant";
    let (lines, files) = rewritten_under_kills(test, "timed");
    // Both streams are in one file here, and nothing tells which a line is of: it is the next of one of them.
    let mut seen = std::collections::BTreeMap::new();
    for line in files.iter().flat_map(|file| file.lines()) {
        let line = line.expect("lines are UTF-8");
        let (time, text) = line.split_once(' ').expect("a time and a line");
        time.parse::<Timestamp>().unwrap_or_else(|error| panic!("{line}: {error}"));
        let number: u64 = text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        assert_eq!(text, text_of(number), "{line}");
        *seen.entry(number).or_insert(0_u64) += 1;
    }
    let expected = |number: &u64| lines.iter().filter(|&count| number < count).count() as u64;
    assert!(
        seen.iter().all(|(number, count)| *count == expected(number)),
        "{lines:?}: a line is lost or doubled"
    );
    assert_eq!(seen.values().sum::<u64>(), lines.iter().sum::<u64>());
}

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
    if is_pump() {
        return;
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
