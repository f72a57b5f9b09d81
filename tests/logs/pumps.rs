//! Many pumps in one set.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use svc::base::Moment;
use svc::logs::{Pump, Pumps};

use super::support::{at, capacity, pipe, settings};

/// Returns whether the set asks for a turn now.
fn asks(pumps: &Pumps) -> bool {
    let descriptor = pumps.descriptor().expect("can be copied");
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&now)) == Ok(1)
}

#[test]
fn a_resting_pump_does_not_wake_the_process_and_is_drained_on_the_tick() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("x.log");
    let (read, mut service) = pipe();
    let mut pumps = Pumps::new().expect("a set");
    pumps.add(7, Pump::new(read, settings(&log, 0, 5))).expect("can be watched");
    let mut reports = Vec::new();
    assert_eq!(pumps.turn(Moment::from_millis(100), at(0), &mut reports), None);
    assert!(!asks(&pumps) && reports.is_empty());

    service.write_all(b"one\n").expect("the pipe takes it");
    assert!(asks(&pumps));
    let rest = pumps.turn(Moment::from_millis(100), at(0), &mut reports);
    assert_eq!(rest, Some(Duration::from_millis(20)));
    service.write_all(b"two\n").expect("the pipe takes it");
    assert!(!asks(&pumps), "it rests");
    assert_eq!(fs::read(&log).expect("exists"), b"one\n");

    let _ = pumps.turn(Moment::from_millis(120), at(20), &mut reports);
    assert_eq!(fs::read(&log).expect("exists"), b"one\ntwo\n");
    assert_eq!(pumps.turn(Moment::from_millis(140), at(40), &mut reports), None, "armed again");
    assert_eq!(
        reports.iter().map(|(key, report)| (*key, report.bytes)).collect::<Vec<_>>(),
        [(7, 4), (7, 4), (7, 0)]
    );
    service.write_all(b"three\n").expect("the pipe takes it");
    assert!(asks(&pumps));
}

#[test]
fn a_flooding_service_does_not_starve_a_quiet_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut pumps = Pumps::new().expect("a set");
    let (flood_read, mut flood) = pipe();
    let (quiet_read, mut quiet) = pipe();
    pumps.add(1, Pump::new(flood_read, settings(&dir.path().join("flood"), 0, 5))).expect("can be watched");
    pumps.add(2, Pump::new(quiet_read, settings(&dir.path().join("quiet"), 0, 5))).expect("can be watched");
    let full = capacity(&flood);
    flood.write_all(&vec![b'x'; full]).expect("the pipe takes it");
    quiet.write_all(b"here\n").expect("the pipe takes it");
    let mut reports = Vec::new();
    let _ = pumps.turn(Moment::from_millis(100), at(0), &mut reports);
    assert_eq!(
        reports.iter().map(|(key, report)| (*key, report.bytes)).collect::<Vec<_>>(),
        [(1, full as u64), (2, 5)]
    );
}

#[test]
fn a_closed_pipe_does_not_wake_the_process_until_it_is_told_to_look() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (read, service) = pipe();
    let mut pumps = Pumps::new().expect("a set");
    pumps.add(1, Pump::new(read, settings(&dir.path().join("x.log"), 0, 5))).expect("can be watched");
    drop(service);
    let mut reports = Vec::new();
    assert_eq!(pumps.turn(Moment::from_millis(100), at(0), &mut reports), None);
    assert!(!asks(&pumps));
    pumps.wake(1);
    assert!(asks(&pumps));
}
