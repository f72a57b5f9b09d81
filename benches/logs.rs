//! The log pump beside `cat > file`, in one run: `cargo bench --bench logs`.
//!
//! One writer flat out through a pipe, in 64 KiB and in 100-byte writes; then a hundred writers of a
//! thousand lines a second. The pump rotates 10 MB files and keeps five; `cat` only writes. Medians of three.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads clocks, runs cat and prints"
)]

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use svc::base::{Moment, Size};
use svc::logs::{Next, Pump, Pumps, Settings};

const RUNS: usize = 3;

fn main() {
    let dir = tempfile::tempdir_in("target").expect("a directory on the disk");
    for (what, length, total) in [("64 KiB writes", 64 << 10, 1 << 30), ("100-byte writes", 100, 256 << 20)] {
        let run = |copy: fn(&Path, OwnedFd) -> Duration| {
            median(|| {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
                let begin = Instant::now();
                let writer = flood(File::from(write), length, total);
                let cpu = copy(dir.path(), read);
                writer.join().expect("the writer is well");
                (total as f64 / 1e6 / begin.elapsed().as_secs_f64(), cpu.as_secs_f64() * 1e9 / total as f64)
            })
        };
        let (cat, pump) = (run(cat), run(pump));
        println!("{what}: cat {:.0} MB/s, {:.2} CPU s/GB", cat.0, cat.1);
        println!("{what}: svc {:.0} MB/s, {:.2} CPU s/GB", pump.0, pump.1);
        println!("{what}: {:.2} x cat, {:.2} x its CPU", pump.0 / cat.0, pump.1 / cat.1);
    }
    let (late, cpu) = median(|| hundred(dir.path()));
    println!("100 writers x 1000 lines/s for 10 s: {cpu:.2} CPU s, {late:.1} s");
}

/// Returns the run with the middle first figure.
fn median(mut run: impl FnMut() -> (f64, f64)) -> (f64, f64) {
    let mut runs: Vec<_> = (0..RUNS).map(|_| run()).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    runs[RUNS / 2]
}

fn flood(mut pipe: File, length: usize, total: usize) -> JoinHandle<()> {
    let mut piece = vec![b'x'; length];
    piece.chunks_mut(100).for_each(|line| line[line.len() - 1] = b'\n');
    std::thread::spawn(move || {
        for _ in 0..total / length {
            pipe.write_all(&piece).expect("the pipe takes it");
        }
    })
}

fn cat(dir: &Path, read: OwnedFd) -> Duration {
    let before = children();
    let file = File::create(dir.join("cat")).expect("writable");
    let status = Command::new("cat").stdin(Stdio::from(read)).stdout(file).status().expect("cat is there");
    assert!(status.success());
    children() - before
}

fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("is known");
    let us = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros((us(usage.user_time()) + us(usage.system_time())).unsigned_abs())
}

fn this_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("is known").into()
}

fn settings(dir: &Path, name: &str) -> Settings {
    Settings { path: dir.join(name), max_size: Size(10 << 20), keep: 5, form: None, receivers: Vec::new() }
}

fn pump(dir: &Path, read: OwnedFd) -> Duration {
    rustix::io::ioctl_fionbio(&read, true).expect("can be made non-blocking");
    let mut pumps = Pumps::new().expect("a set");
    pumps.add(0, Pump::new(read, settings(dir, "svc"))).expect("can be watched");
    let before = this_thread();
    run(&mut pumps, 1);
    this_thread() - before
}

/// Takes turns until that many pipes are closed.
fn run(pumps: &mut Pumps, mut open: usize) {
    let begin = Instant::now();
    let descriptor = pumps.descriptor().expect("can be copied");
    let mut reports = Vec::new();
    while open > 0 {
        let rest = pumps.turn(Moment::since_zero(begin.elapsed()), Timestamp::now(), &mut reports);
        open -= reports.drain(..).filter(|(_, report)| report.next == Next::Closed).count();
        if open > 0 {
            let rest = rest.map(|rest| Timespec::try_from(rest).expect("short"));
            poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], rest.as_ref()).expect("can wait");
        }
    }
}

/// Returns how long a hundred writers took for what should take ten seconds, and the pump's processor time.
fn hundred(dir: &Path) -> (f64, f64) {
    let mut pumps = Pumps::new().expect("a set");
    let mut pipes = Vec::new();
    for number in 0..100 {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        rustix::io::ioctl_fionbio(&read, true).expect("can be made non-blocking");
        pumps.add(number, Pump::new(read, settings(dir, &number.to_string()))).expect("can be watched");
        pipes.push(File::from(write));
    }
    let line = [&[b'x'; 99][..], b"\n"].concat();
    let begin = Instant::now();
    let writers = std::thread::spawn(move || {
        for round in 1..=1000 {
            for pipe in &mut pipes {
                (0..10).for_each(|_| pipe.write_all(&line).expect("the pipe takes it"));
            }
            let rest = (begin + Duration::from_millis(10 * round)).saturating_duration_since(Instant::now());
            std::thread::sleep(rest);
        }
    });
    let before = this_thread();
    run(&mut pumps, 100);
    let cpu = this_thread() - before;
    writers.join().expect("the writers are well");
    (begin.elapsed().as_secs_f64(), cpu.as_secs_f64())
}
