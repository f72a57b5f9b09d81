//! Reading what a pump has written: history, times, merging, following.

use std::fs;
use std::path::PathBuf;

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use svc::logs::{Follow, Line, Query, Reader};

use super::support::{Bench, at};

fn read(logs: &[PathBuf], query: &Query) -> Vec<String> {
    Reader::open(logs, query).expect("readable").map(text).collect()
}

fn text(line: Line) -> String {
    String::from_utf8_lossy(&line.bytes).into_owned()
}

/// A log of the lines `line 0` to `line 99`, one every 100 ms, in files of ten lines or so.
fn hundred() -> Bench {
    let mut bench = Bench::new(80, 20);
    for number in 0..100 {
        let _ = bench.drain_after(90);
        let _ = bench.say(format!("line {number}\n").as_bytes());
    }
    bench
}

fn lines(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

#[test]
fn history_goes_across_rotated_files_in_order() {
    let bench = hundred();
    assert_eq!(read(&[bench.path()], &Query::default()), lines(0..100));
}

#[test]
fn the_last_lines_are_found_whatever_their_number() {
    let bench = hundred();
    for count in [0, 1, 9, 10, 11, 57, 99, 100, 1000] {
        let query = Query { last: Some(count), ..Query::default() };
        let first = 100 - u32::try_from(count.min(100)).expect("small");
        assert_eq!(read(&[bench.path()], &query), lines(first..100), "-n {count}");
    }
}

#[test]
fn an_unfinished_line_counts_as_a_line() {
    let mut bench = hundred();
    let _ = bench.say(b"prompt> ");
    let query = Query { last: Some(2), ..Query::default() };
    let found: Vec<_> = Reader::open(&[bench.path()], &query).expect("readable").collect();
    assert_eq!(found.iter().map(|line| line.partial).collect::<Vec<_>>(), [false, true]);
    assert_eq!(found[1].bytes, b"prompt> ");
    assert_eq!(read(&[bench.path()], &Query { follow: true, ..query }), ["line 99"]);
}

#[test]
fn a_span_of_time_is_found_by_the_index() {
    let bench = hundred();
    // Line n was written at (n + 1) * 100 ms.
    let query = Query { since: Some(at(2_050)), until: Some(at(4_000)), ..Query::default() };
    assert_eq!(read(&[bench.path()], &query), lines(20..40));
    let times = Reader::open(&[bench.path()], &query).expect("readable").map(|line| line.time);
    assert!(times.eq((20..40).map(|number| Some(at((number + 1) * 100)))));
    let future = Query { since: Some(at(1_000_000)), ..Query::default() };
    assert!(read(&[bench.path()], &future).is_empty());
}

#[test]
fn the_last_lines_that_match_are_found() {
    let bench = hundred();
    let query = Query { last: Some(3), grep: Regex::new("7$").ok(), ..Query::default() };
    assert_eq!(read(&[bench.path()], &query), ["line 77", "line 87", "line 97"]);
}

#[test]
fn several_logs_are_merged_by_time() {
    let (mut a, mut b) = (Bench::new(0, 5), Bench::new(0, 5));
    for number in 0..5 {
        let _ = a.say(format!("a{number}\n").as_bytes());
        let _ = b.drain_after(5);
        let _ = b.say(format!("b{number}\n").as_bytes());
        let _ = a.drain_after(5);
    }
    let merged = read(&[a.path(), b.path()], &Query::default()).join(" ");
    assert_eq!(merged, "a0 b0 a1 b1 a2 b2 a3 b3 a4 b4");
}

#[test]
fn a_line_without_end_comes_in_bounded_pieces() {
    let mut bench = Bench::new(0, 5);
    for _ in 0..5 {
        let _ = bench.say(&[b'x'; 60_000]);
    }
    let _ = bench.say(b"\nnext\n");
    let found: Vec<_> = Reader::open(&[bench.path()], &Query::default()).expect("readable").collect();
    assert!(found.iter().all(|line| line.bytes.len() <= 64 * 1024));
    let long: usize = found.iter().take_while(|line| line.partial).map(|line| line.bytes.len()).sum();
    assert_eq!(long + found[found.len() - 2].bytes.len(), 300_000);
    assert_eq!(found[found.len() - 1].bytes, b"next");
}

#[test]
fn a_log_without_an_index_is_read_without_times() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("x.log");
    fs::write(&log, "one\ntwo\n").expect("writable");
    let query = Query { since: Some(at(0)), ..Query::default() };
    let found: Vec<_> = Reader::open(&[log], &query).expect("readable").collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|line| line.time.is_none()));
}

#[test]
fn at_the_end_of_a_log_its_unfinished_line_is_followed_too() {
    let mut bench = Bench::new(1 << 20, 2);
    let mut follow = follow(&[bench.path()]);
    let _ = bench.say(b"whole\nunfinished");
    assert_eq!(announced(&mut follow), ["whole"]);
    let mut rest = Vec::new();
    follow.finish(&mut rest).expect("readable");
    assert_eq!(rest.into_iter().map(text).collect::<Vec<_>>(), ["unfinished"]);
}

/// Follows logs from now on.
fn follow(logs: &[PathBuf]) -> Follow {
    let query = Query { last: Some(0), follow: true, ..Query::default() };
    let mut reader = Reader::open(logs, &query).expect("readable");
    assert_eq!(reader.next(), None);
    let mut follow = Follow::new(reader).expect("inotify is there");
    assert!(news(&mut follow).is_empty());
    follow
}

/// Takes what has been announced; fails when nothing is announced at all.
fn announced(follow: &mut Follow) -> Vec<String> {
    let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
    let woken = poll(&mut [PollFd::new(follow, PollFlags::IN)], Some(&limit));
    assert_eq!(woken, Ok(1), "nothing was announced");
    news(follow)
}

fn news(follow: &mut Follow) -> Vec<String> {
    let mut lines = Vec::new();
    while follow.read(&mut lines).expect("readable") {}
    lines.into_iter().map(text).collect()
}

#[test]
fn following_goes_on_across_rotations() {
    let mut bench = Bench::new(80, 20);
    let _ = bench.say(b"old\n");
    let mut follow = follow(&[bench.path()]);
    let mut seen = Vec::new();
    for number in 0..100 {
        let _ = bench.say(format!("line {number}\n").as_bytes());
        if number % 23 == 0 {
            seen.extend(announced(&mut follow));
        }
    }
    seen.extend(announced(&mut follow));
    assert_eq!(seen, lines(0..100));
}

#[test]
fn following_begins_before_the_log_and_its_directory_exist() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("a/b/x.log");
    let mut follow = follow(std::slice::from_ref(&log));
    fs::create_dir(dir.path().join("a")).expect("can make it");
    assert!(announced(&mut follow).is_empty());
    fs::create_dir(dir.path().join("a/b")).expect("can make it");
    assert!(announced(&mut follow).is_empty());
    fs::write(&log, "first\n").expect("writable");
    assert_eq!(announced(&mut follow), ["first"]);
}

#[test]
fn following_survives_truncation_and_removal() {
    let mut bench = Bench::new(0, 5);
    let _ = bench.say(b"a long first line\n");
    let mut follow = follow(&[bench.path()]);
    fs::write(bench.path(), "").expect("can truncate");
    let _ = bench.say(b"two\n");
    assert_eq!(announced(&mut follow), ["two"]);
    fs::remove_file(bench.path()).expect("can remove");
    assert!(announced(&mut follow).is_empty());
    let _ = bench.say(b"three\n");
    assert_eq!(announced(&mut follow), ["three"]);
}

#[test]
fn an_unfinished_line_is_followed_when_it_is_finished() {
    let mut bench = Bench::new(0, 5);
    let mut follow = follow(&[bench.path()]);
    let _ = bench.say(b"half ");
    assert!(announced(&mut follow).is_empty());
    let _ = bench.say(b"whole\n");
    assert_eq!(announced(&mut follow), ["half whole"]);
}
