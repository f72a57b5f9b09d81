//! Logs that cannot be written: the service goes on, and what is missing is told.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use svc::logs::{FileError, Next, Notice};

use super::support::{Bench, kept};

/// Puts a directory where the log should be, so that it cannot be opened, whoever runs the test.
fn blocked() -> Bench {
    let bench = Bench::new(0, 5);
    fs::create_dir(bench.path()).expect("can make a directory");
    bench
}

fn unblock(bench: &Bench) {
    fs::remove_dir(bench.path()).expect("can remove it");
}

#[test]
fn a_short_fault_loses_nothing() {
    let mut bench = blocked();
    let report = bench.say(b"kept in the pipe\n");
    assert!(matches!(report.notices[..], [Notice::Failed(FileError::NotAFile { .. })]), "{report:?}");
    assert_eq!(report.next, Next::After(Duration::from_millis(20)));
    unblock(&bench);
    let report = bench.drain_after(1000);
    assert!(matches!(report.notices[..], [Notice::Resumed { lost: 0, .. }]), "{report:?}");
    assert_eq!(kept(&bench.path()), [b"kept in the pipe\n"]);
}

#[test]
fn a_long_fault_never_blocks_the_service_and_is_told_in_the_log() {
    let mut bench = blocked();
    for _ in 0..100 {
        // Would block for ever if the pipe stayed full.
        bench.service.write_all(&[b'x'; 32 * 1024]).expect("the pipe takes it");
        assert!(matches!(bench.drain_after(10).next, Next::After(_)));
    }
    unblock(&bench);
    let report = bench.drain_after(1000);
    let lost = 100 * 32 * 1024;
    assert!(matches!(report.notices[..], [Notice::Resumed { lost: told, .. }] if told == lost), "{report:?}");
    let _ = bench.say(b"back\n");
    let text = fs::read_to_string(bench.path()).expect("exists");
    assert_eq!(
        text,
        "[svc: 3276800 bytes of output are missing here, from 2023-11-14T22:13:20Z to 2023-11-14T22:13:22Z: \
         the log could not be written]\nback\n"
    );
}

#[test]
fn output_that_stands_still_is_looked_at_ever_more_rarely() {
    let mut bench = blocked();
    let _ = bench.say(b"waits\n");
    let rests: Vec<_> = (0..8).map(|_| bench.drain_after(1).next).collect();
    let ms = |ms| Next::After(Duration::from_millis(ms));
    assert_eq!(rests, [ms(40), ms(80), ms(160), ms(320), ms(640), ms(1000), ms(1000), ms(1000)]);
}
