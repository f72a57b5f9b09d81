//! How lives end: signals, stragglers, orphans, goodbye.

use std::fs::File;

use svc::base::{ExitStatus, Invocation, Signal};
use svc::guard::protocol::{Event, Scope};
use svc::sys::process;

use super::rig::{Rig, read_line, shell, wait_for_end, with_stdin, with_stdout, write_line};

/// A name for control groups that no other run of the tests uses.
fn own(test: &str) -> String {
    format!("test-{test}-{}", process::own_pid())
}

fn signal(rig: &mut Rig, invocation: u64, signal: Signal, scope: Scope) {
    rig.link.signal(Invocation(invocation), signal, scope).expect("there is room");
}

fn emptied(rig: &mut Rig, expected: u64) {
    let event = rig.event();
    assert!(
        matches!(event, Event::Emptied { invocation } if invocation == Invocation(expected)),
        "{event:?} instead of the last straggler's end"
    );
}

/// Launches a script and returns what it says first: most often a process number.
fn hear_first_line(rig: &mut Rig, invocation: u64, script: &str) -> (u32, File, String) {
    let mut spawn = shell(invocation, script);
    let mut said = File::from(with_stdout(&mut spawn));
    rig.ask(spawn);
    let pid = rig.spawned(invocation);
    let line = read_line(&mut said);
    (pid, said, line)
}

#[test]
fn codes_and_signals_are_told_apart() {
    for mut rig in Rig::both(&own("codes_and_signals_are_told_apart")) {
        for (number, script, exit) in [
            (1, "exit 0", ExitStatus::Code(0)),
            (2, "exit 255", ExitStatus::Code(255)),
            (3, "kill -TERM $$", ExitStatus::Signal(Signal::TERM)),
            (4, "kill -KILL $$", ExitStatus::Signal(Signal::KILL)),
            (5, "kill -40 $$", ExitStatus::Signal(Signal::from_number(40).expect("a signal"))),
        ] {
            rig.shell(number, script);
            assert_eq!(rig.exited(number), (exit, false), "{script}");
        }
    }
}

#[test]
fn a_signal_reaches_the_main_process_alone_or_its_group() {
    for mut rig in Rig::both(&own("a_signal_reaches_the_main_process_alone_or_its_group")) {
        let script = "trap '' TERM; sh -c 'trap - TERM; exec sleep 1000' & echo $!; exec sleep 1000";
        let mut lines = Vec::new();
        for number in [1, 2] {
            lines.push(hear_first_line(&mut rig, number, "sleep 1000 & echo $!; exec sleep 1000"));
        }
        signal(&mut rig, 1, Signal::TERM, Scope::Main);
        assert_eq!(rig.exited(1), (ExitStatus::Signal(Signal::TERM), true));
        signal(&mut rig, 1, Signal::TERM, Scope::Main);
        signal(&mut rig, 1, Signal::TERM, Scope::Group);
        emptied(&mut rig, 1);
        signal(&mut rig, 2, Signal::TERM, Scope::Group);
        let ended = rig.exited(2);
        assert_eq!(ended.0, ExitStatus::Signal(Signal::TERM));
        if ended.1 {
            emptied(&mut rig, 2);
        }
        let (_, _said, _child) = hear_first_line(&mut rig, 3, script);
        signal(&mut rig, 3, Signal::KILL, Scope::Main);
        assert_eq!(rig.exited(3), (ExitStatus::Signal(Signal::KILL), true));
    }
}

#[test]
fn a_killed_service_is_told_as_killed() {
    for mut rig in Rig::both(&own("a_killed_service_is_told_as_killed")) {
        let pid = rig.shell(1, "exec sleep 1000");
        process::signal(process::pidfd(pid).expect("it runs"), Signal::KILL).expect("it is ours");
        assert_eq!(rig.exited(1), (ExitStatus::Signal(Signal::KILL), false));
    }
}

#[test]
fn a_child_that_ignores_the_signal_is_a_straggler_until_everything_is_killed() {
    for mut rig in
        Rig::both(&own("a_child_that_ignores_the_signal_is_a_straggler_until_everything_is_killed"))
    {
        let script = "(trap '' TERM; echo ready; while :; do sleep 1000; done) & wait";
        let (_, _said, _) = hear_first_line(&mut rig, 1, script);
        signal(&mut rig, 1, Signal::TERM, Scope::Group);
        assert_eq!(rig.exited(1), (ExitStatus::Signal(Signal::TERM), true));
        signal(&mut rig, 1, Signal::KILL, Scope::Everything);
        emptied(&mut rig, 1);
    }
}

#[test]
fn a_straggler_outside_the_group_is_found_by_its_session() {
    for mut rig in Rig::both(&own("a_straggler_outside_the_group_is_found_by_its_session")) {
        // Job control puts each child in a group of its own.
        let (_, _said, child) = hear_first_line(&mut rig, 1, "set -m; sleep 1000 & echo $!");
        assert_eq!(rig.exited(1), (ExitStatus::Code(0), true));
        let child = process::pidfd(child.parse().expect("a number")).expect("it runs");
        signal(&mut rig, 1, Signal::TERM, Scope::Group);
        signal(&mut rig, 1, Signal::TERM, Scope::Everything);
        emptied(&mut rig, 1);
        wait_for_end(child);
    }
}

#[test]
fn stragglers_that_end_by_themselves_are_told_once_and_last() {
    for mut rig in Rig::both(&own("stragglers_that_end_by_themselves_are_told_once_and_last")) {
        let mut spawn = shell(1, "(read -r a; (read -r b) ) <&3 & (read -r c) <&3 & exit 9");
        let mut write = with_stdin(&mut spawn);
        spawn.fds[0].target = 3;
        rig.ask(spawn);
        rig.spawned(1);
        assert_eq!(rig.exited(1), (ExitStatus::Code(9), true));
        (0..3).for_each(|_| write_line(&mut write));
        emptied(&mut rig, 1);
        rig.shell(2, "exit 0");
        assert_eq!(rig.exited(2), (ExitStatus::Code(0), false));
    }
}

#[test]
fn a_storm_of_children_that_ignore_signals_is_killed() {
    for mut rig in Rig::both(&own("a_storm_of_children_that_ignore_signals_is_killed")) {
        let script = "trap '' TERM; n=0; while [ $n -lt 40 ]; do setsid sleep 1000 & sleep 1000 & n=$((n+1)); done; \
                  echo ready; while :; do sleep 0.001 & wait $!; done";
        let (_, _said, _) = hear_first_line(&mut rig, 1, script);
        signal(&mut rig, 1, Signal::KILL, Scope::Everything);
        let (exit, stragglers) = rig.exited(1);
        assert_eq!(exit, ExitStatus::Signal(Signal::KILL));
        if stragglers {
            emptied(&mut rig, 1);
        }
    }
}

#[test]
fn an_orphaned_daemon_is_reaped_and_told_to_nobody() {
    let mut rig = Rig::new();
    let script = "setsid sh -c 'sleep 1000 & echo $!' & wait";
    let (_, _said, daemon) = hear_first_line(&mut rig, 1, script);
    assert_eq!(rig.exited(1).0, ExitStatus::Code(0));
    let pid: u32 = daemon.parse().expect("a number");
    let handle = process::pidfd(pid).expect("it runs");
    process::signal(&handle, Signal::KILL).expect("it is ours");
    wait_for_end(&handle);
    // The next answer comes from a round of the guard that begins with reaping.
    rig.shell(2, "exit 0");
    assert_eq!(rig.exited(2), (ExitStatus::Code(0), false));
    assert!(process::pidfd(pid).is_err(), "no zombie is left");
}

#[test]
fn goodbye_leaves_nothing_behind_and_gives_the_code() {
    for mut rig in Rig::both(&own("goodbye_leaves_nothing_behind_and_gives_the_code")) {
        let script = "setsid sh -c \"trap '' TERM; sleep 1000 & echo \\$!; wait\" & wait";
        let (pid, _said, daemon) = hear_first_line(&mut rig, 1, script);
        let service = process::pidfd(pid).expect("it runs");
        let daemon = process::pidfd(daemon.parse().expect("a number")).expect("it runs");
        assert_eq!(rig.goodbye(42), ExitStatus::Code(42));
        wait_for_end(service);
        wait_for_end(daemon);
    }
}

#[test]
fn signals_to_the_guard_are_events() {
    for mut rig in Rig::both(&own("signals_to_the_guard_are_events")) {
        for sent in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
            process::signal(&rig.guard.pidfd, sent).expect("it is ours");
            let event = rig.event();
            assert!(matches!(event, Event::SignalReceived { signal } if signal == sent), "{event:?}");
        }
    }
}
