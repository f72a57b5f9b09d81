//! Logs that cannot be written: the service goes on, and what is missing is told.

#![expect(
    clippy::disallowed_methods,
    reason = "a file size limit and a small disk are a process of their own"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::pipe::fcntl_getpipe_size;
use svc::logs::{FileError, Next, Notice, Pump};

use super::support::{Bench, at, capacity, kept, pipe, settings};

/// Tells a copy of this test binary that it runs where little can be written, and in which directory.
const ROLE: &str = "SVC_TEST_SMALL_DISK";

/// Runs one test again, behind `prelude`, which makes writing fail; the shell sees the directory as `$DIR`.
fn again(test: &str, prelude: &str, wrapper: &[&str]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let script = format!("{prelude} && exec \"$0\" --exact logs::fault::{test} --nocapture");
    let words: Vec<&str> = wrapper.iter().copied().chain(["sh", "-c", &script]).collect();
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg(std::env::current_exe().expect("is known"))
        .envs([(ROLE, dir.path()), ("DIR", dir.path())])
        .output()
        .expect("can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Writes until the log cannot take more, frees what `free` frees, and checks that nothing but the gap is missing.
///
/// In between the pump is replaced by a successor, which must know what was lost.
fn run_full(dir: &Path, cause: Errno, free: impl FnOnce(&Path)) {
    let log = dir.join("x.log");
    let (read, mut service) = pipe();
    let mut pump = Pump::new(read.try_clone().expect("can be copied"), settings(&log, 0, 5));
    let line = [&[b'x'; 99][..], b"\n"].concat();
    let (mut said, mut lost, mut failed) = (0, 0, false);
    // A user with many pipes gets small ones: what is written at once has to fit into whatever it is.
    let lines = fcntl_getpipe_size(&service).expect("it is a pipe") / 4 / line.len();
    let batch = line.repeat(lines.min(200));
    let steps = 4_000_000 / batch.len() as i64;
    for step in (0..steps).map(|step| step * 200 / steps) {
        service.write_all(&batch).expect("the pipe takes it");
        said += batch.len() as u64;
        let report = pump.drain(at(step));
        lost += report.lost;
        if let [Notice::Failed(FileError::Write { source, .. })] = report.notices[..] {
            assert_eq!(source, cause);
            failed = true;
        }
    }
    assert!(failed && lost > 1_000_000, "{lost} bytes were lost of {said}");
    let written = fs::metadata(&log).expect("exists").len();
    free(dir);
    let mut successor = Pump::new(read, settings(&log, 0, 5));
    service.write_all(b"back\n").expect("the pipe takes it");
    let report = successor.drain(at(5_000));
    assert!(matches!(report.notices[..], [Notice::Resumed { lost: told, .. }] if told == lost), "{report:?}");
    let bytes = fs::read(&log).expect("exists");
    let (before, after) = bytes.split_at(usize::try_from(written).expect("small"));
    assert_eq!(before, line.repeat(before.len() / 100 + 1)[..before.len()].to_vec());
    let after = String::from_utf8_lossy(after);
    let told = after.trim_start_matches('\n');
    assert!(told.starts_with(&format!("[svc: {lost} bytes of output are missing here, from ")), "{after}");
    assert!(after.ends_with("back\n"), "{after}");
    let marker = told.lines().next().map_or(0, |line| line.len() + 1) + usize::from(after.starts_with('\n'));
    assert_eq!(written + lost + (after.len() - marker) as u64, said + 5, "every byte is kept or counted");
}

#[test]
fn a_full_disk_loses_only_what_is_counted() {
    match std::env::var_os(ROLE) {
        None => {
            let mount =
                "mount -t tmpfs -o size=4m none \"$DIR\" && head -c 3500k /dev/zero > \"$DIR/ballast\"";
            again(
                "a_full_disk_loses_only_what_is_counted",
                mount,
                &["unshare", "--user", "--map-root-user", "--mount"],
            );
        }
        Some(dir) => run_full(Path::new(&dir), Errno::NOSPC, |dir| {
            fs::remove_file(dir.join("ballast")).expect("can remove");
        }),
    }
}

#[test]
fn a_file_size_limit_loses_only_what_is_counted() {
    match std::env::var_os(ROLE) {
        None => again(
            "a_file_size_limit_loses_only_what_is_counted",
            // The soft limit, in blocks of 512 bytes; it can be raised again. Its signal would kill.
            "trap '' XFSZ && ulimit -S -f 256",
            &[],
        ),
        Some(dir) => run_full(Path::new(&dir), Errno::FBIG, |_| {
            let unlimited = rustix::process::Rlimit { current: None, maximum: None };
            rustix::process::setrlimit(rustix::process::Resource::Fsize, unlimited).expect("can be raised");
        }),
    }
}

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
    let piece = vec![b'x'; capacity(&bench.service) / 2];
    for _ in 0..100 {
        // Would block for ever if the pipe stayed full.
        bench.service.write_all(&piece).expect("the pipe takes it");
        assert!(matches!(bench.drain_after(10).next, Next::After(_)));
    }
    unblock(&bench);
    let report = bench.drain_after(1000);
    let lost = 100 * piece.len() as u64;
    assert!(matches!(report.notices[..], [Notice::Resumed { lost: told, .. }] if told == lost), "{report:?}");
    let _ = bench.say(b"back\n");
    let text = fs::read_to_string(bench.path()).expect("exists");
    assert_eq!(
        text,
        format!(
            "[svc: {lost} bytes of output are missing here, from 2023-11-14T22:13:20Z to 2023-11-14T22:13:22Z: \
             the log could not be written]\nback\n"
        )
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
