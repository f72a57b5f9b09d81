//! One pump in one process: what goes where, and when it wants to be called again.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use regex::bytes::Regex;
use svc::logs::{Next, Pump, Tap};

use super::support::{Bench, at, kept, settings};

#[test]
fn output_arrives_byte_for_byte() {
    let mut bench = Bench::new(0, 5);
    let report = bench.say(b"caf\xe9 \x00\xff\n\x1b[31mno end");
    assert_eq!((report.bytes, report.lost, report.rotated), (19, 0, 0));
    assert_eq!(fs::read(bench.path()).expect("exists"), b"caf\xe9 \x00\xff\n\x1b[31mno end");
}

#[test]
fn a_busy_pipe_rests_and_an_empty_one_waits_to_be_readable() {
    let mut bench = Bench::new(0, 5);
    assert_eq!(bench.say(b"a line\n").next, Next::After(Duration::from_millis(20)));
    assert_eq!(bench.drain_after(20).next, Next::Readable);
}

#[test]
fn a_flooding_service_gets_a_larger_pipe_and_a_bounded_turn() {
    let mut bench = Bench::new(0, 5);
    let full = vec![b'x'; 64 * 1024];
    let breath = Next::After(Duration::from_micros(300));
    assert_eq!(bench.say(&full).next, breath, "it may be blocked, and its rate is not known");
    assert_eq!(rustix::pipe::fcntl_getpipe_size(&bench.service), Ok(1 << 20));
    let report = bench.say(&vec![b'x'; 1 << 20]);
    assert_eq!((report.bytes, report.next), (1 << 20, Next::After(Duration::ZERO)));
}

#[test]
fn the_end_of_the_last_writer_is_told_after_its_output() {
    let mut bench = Bench::new(0, 5);
    bench.service.write_all(b"last words").expect("the pipe takes it");
    let (_, other) = super::support::pipe();
    drop(std::mem::replace(&mut bench.service, other));
    assert_eq!(bench.drain_after(10).bytes, 10);
    assert_eq!(bench.drain_after(10).next, Next::Closed);
}

#[test]
fn files_are_rotated_at_line_ends_and_the_oldest_go() {
    let mut bench = Bench::new(100, 2);
    for number in 0..40 {
        let _ = bench.say(format!("line {number:04}\n").as_bytes());
    }
    let files = kept(&bench.path());
    let sizes: Vec<_> = files.iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 100, 100]);
    assert!(files[0].starts_with(b"line 0010\n"));
    assert!(files[2].ends_with(b"line 0039\n"));
}

#[test]
fn a_batch_larger_than_several_files_is_cut_at_its_lines() {
    let mut bench = Bench::new(1000, 100);
    let batch: Vec<u8> =
        (0..700).flat_map(|n| format!("line {n} {}\n", "x".repeat(n % 90)).into_bytes()).collect();
    let report = bench.say(&batch);
    let files = kept(&bench.path());
    assert_eq!(report.rotated as usize, files.len() - 1);
    assert!(files.iter().all(|file| file.len() <= 1000 && file.ends_with(b"\n")));
    assert_eq!(files.concat(), batch);
}

#[test]
fn a_long_line_stays_whole_and_one_without_end_is_split() {
    let mut bench = Bench::new(1000, 100);
    let long = [vec![b'y'; 50_000], b"\nnext\n".to_vec()].concat();
    let _ = bench.say(&long);
    assert_eq!(kept(&bench.path()), [&long[..50_001], b"next\n"]);

    let mut bench = Bench::new(1000, 2);
    for _ in 0..1024 {
        let _ = bench.say(&[b'z'; 64 * 1024]);
    }
    let files = kept(&bench.path());
    assert_eq!(files.len(), 3);
    assert!(
        files.iter().all(|file| file.len() <= 1000 + (1 << 20)),
        "64 MiB without a line end fill nothing"
    );
}

#[test]
fn a_truncated_or_removed_or_renamed_log_is_begun_anew() {
    let mut bench = Bench::new(0, 5);
    let _ = bench.say(b"one\n");
    fs::write(bench.path(), "").expect("can truncate");
    let _ = bench.say(b"two\n");
    assert_eq!(kept(&bench.path()), [b"two\n"], "no hole before it");
    fs::remove_file(bench.path()).expect("can remove");
    let _ = bench.say(b"three\n");
    assert_eq!(kept(&bench.path()), [b"three\n"]);
    fs::rename(bench.path(), bench.dir.path().join("moved")).expect("can rename");
    bench.service.write_all(b"four\n").expect("the pipe takes it");
    let _ = bench.drain_after(2000);
    assert_eq!(kept(&bench.path()), [b"four\n"]);
}

#[test]
fn a_line_waited_for_is_told_once_even_across_pieces_and_files() {
    let mut bench = Bench::new(20, 5);
    bench.pump.watch(Tap::new(Regex::new("^listening on [0-9]+$").expect("a pattern")));
    assert!(!bench.say(b"starting\nlisten").matched);
    assert!(!bench.say(b"ing on 80").matched);
    assert!(bench.say(b"80\nserving\n").matched);
    assert!(!bench.say(b"listening on 8080\n").matched, "the watch has ended");
}

#[test]
fn new_settings_count_from_the_next_byte_on() {
    let mut bench = Bench::new(0, 5);
    let _ = bench.say(b"old\n");
    let other = bench.dir.path().join("sub/y.log");
    bench.pump.set(settings(&other, 0, 5));
    let _ = bench.say(b"new\n");
    assert_eq!(kept(&bench.path()), [b"old\n"]);
    assert_eq!(kept(&other), [b"new\n"]);
}

#[test]
fn a_log_that_cannot_be_opened_is_known_before_anything_is_written() {
    let (read, _service) = super::support::pipe();
    let mut pump = Pump::new(read, settings(std::path::Path::new("/dev/null"), 0, 5));
    let error = pump.open(at(0)).expect_err("a device");
    assert_eq!(error.to_string(), "cannot log to `/dev/null`: it is not a regular file");
}

#[test]
fn a_successor_finds_the_line_its_predecessor_wrote() {
    let tap = || Tap::new(Regex::new("^ready$").expect("a pattern"));
    let mut bench = Bench::new(10, 5);
    let _ = bench.say(b"ready\n");
    let _ = bench.drain_after(490);
    let _ = bench.say(b"starting\nrea");
    // The process was launched at 400 ms: the line of the one before it does not count.
    assert!(!bench.pump.watch_since(tap(), at(400)).expect("readable"));
    assert!(bench.say(b"dy\nmore\n").matched, "half of it was there");
    assert!(bench.pump.watch_since(tap(), at(400)).expect("readable"));
    assert!(!bench.say(b"ready\n").matched, "it was found already");
}
