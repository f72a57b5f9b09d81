//! An engine dies, the next one takes over: nothing is lost and nothing is told twice.

use std::fs::File;
use std::io::Write;

use svc::base::{ExitStatus, Invocation, Signal};
use svc::guard::protocol::{Event, Install, Scope, Source};
use svc::sys::pipe::service_pipe;
use svc::sys::process;

use super::rig::{Rig, Told, read_line, shell, wait_for_end};

#[test]
fn a_killed_engine_is_replaced_and_told_what_runs() {
    let mut rig = Rig::new();
    let pid = rig.shell(1, "exec sleep 1000");
    rig.link.ack(1).expect("there is room");
    rig.shell(2, "exit 0");
    assert_eq!(rig.exited(2).0, ExitStatus::Code(0));
    rig.link.ack(3).expect("there is room");
    rig.kill_engine();
    assert_eq!(rig.takeover.lives, [(1, b"tag 1".to_vec(), Told::Running(pid))], "the second is forgotten");
    process::signal(&rig.takeover.pidfds[0], Signal::TERM).expect("the handle is good");
    assert_eq!(rig.exited(1), (ExitStatus::Signal(Signal::TERM), false));
}

#[test]
fn an_engine_that_hangs_up_is_replaced() {
    let mut rig = Rig::new();
    let before = rig.relay_pid;
    rig.hang_up();
    assert_ne!(rig.relay_pid, before);
}

#[test]
fn what_is_not_acknowledged_is_told_again_with_its_number() {
    let mut rig = Rig::new();
    rig.shell(1, "exit 3");
    assert_eq!(rig.exited(1).0, ExitStatus::Code(3));
    for acknowledged in 0..2 {
        rig.link.ack(acknowledged).expect("there is room");
        rig.kill_engine();
        let told = rig.takeover.lives.pop().expect("one life").2;
        assert_eq!(matches!(told, Told::Running(_)), acknowledged == 1, "{told:?}");
        if acknowledged == 0 {
            assert!(matches!(rig.numbered(), (1, Event::Spawned { pidfd: Some(_), .. })));
        }
        let (number, event) = rig.numbered();
        let exit = ExitStatus::Code(3);
        assert!(
            matches!(event, Event::Exited { exit: told, .. } if told == exit && number == 2),
            "{event:?}"
        );
    }
    rig.link.ack(2).expect("there is room");
    rig.kill_engine();
    assert_eq!(rig.takeover.lives, []);
}

#[test]
fn exits_while_no_engine_listens_are_neither_lost_nor_doubled() {
    let mut rig = Rig::new();
    let pids: Vec<u32> = (1..=20).map(|number| rig.shell(number, "exec sleep 1000")).collect();
    rig.link.ack(20).expect("there is room");
    rig.link.flush().expect("the guard is there");
    let handles: Vec<_> = pids.iter().map(|pid| process::pidfd(*pid).expect("it runs")).collect();
    handles.iter().take(10).for_each(|handle| process::signal(handle, Signal::KILL).expect("it is ours"));
    rig.kill_engine();
    handles.iter().skip(10).for_each(|handle| process::signal(handle, Signal::KILL).expect("it is ours"));
    rig.kill_engine();
    handles.iter().for_each(wait_for_end);
    assert_eq!(rig.takeover.lives.len(), 20, "none is forgotten before its end is acknowledged");
    let mut ended: Vec<u64> = (0..20)
        .map(|_| match rig.event() {
            Event::Exited {
                invocation: Invocation(number), exit: ExitStatus::Signal(Signal::KILL), ..
            } => number,
            other => panic!("{other:?}"),
        })
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, (1..=20).collect::<Vec<_>>());
    rig.shell(21, "exit 0");
    assert_eq!(rig.exited(21).0, ExitStatus::Code(0), "and nothing is told twice");
}

#[test]
fn stragglers_are_told_to_the_next_engine() {
    let mut rig = Rig::new();
    rig.shell(1, "sleep 1000 & exit 6");
    assert_eq!(rig.exited(1), (ExitStatus::Code(6), true));
    rig.link.ack(2).expect("there is room");
    rig.kill_engine();
    assert_eq!(rig.takeover.lives, [(1, b"tag 1".to_vec(), Told::Lingering(ExitStatus::Code(6)))]);
    rig.link.signal(Invocation(1), Signal::KILL, Scope::Everything).expect("there is room");
    assert!(matches!(rig.numbered(), (3, Event::Emptied { invocation: Invocation(1) })));
}

#[test]
fn a_service_and_its_output_outlive_the_engine_that_read_it() {
    let mut rig = Rig::new();
    let (read, write) = service_pipe().expect("a pipe");
    rig.link.keep(b"log/read", read).expect("there is room");
    rig.link.keep(b"log/write", write).expect("there is room");
    let (go_read, go_write) = service_pipe().expect("a pipe");
    let mut spawn = shell(1, "while read -r line; do echo \"got $line\"; done");
    spawn.fds.push(Install { target: 1, source: Source::Kept(b"log/write".to_vec()) });
    spawn
        .fds
        .push(Install { target: 0, source: Source::Passed(Some(go_write.try_clone().expect("a copy"))) });
    drop(go_read);
    rig.ask(spawn);
    let pid = rig.spawned(1);
    rig.link.ack(1).expect("there is room");
    rig.kill_engine();
    File::from(go_write).write_all(b"one\ntwo\n").expect("a pipe with room");
    let mut keys: Vec<&[u8]> = rig.takeover.kept.iter().map(|(key, _)| &key[..]).collect();
    keys.sort_unstable();
    assert_eq!(keys, [&b"log/read"[..], b"log/write"]);
    assert_eq!(rig.takeover.lives, [(1, b"tag 1".to_vec(), Told::Running(pid))]);
    let read = rig.takeover.kept.iter().find(|(key, _)| key == b"log/read").expect("it was kept");
    let mut read = File::from(read.1.try_clone().expect("a copy"));
    assert_eq!((read_line(&mut read), read_line(&mut read)), ("got one".to_owned(), "got two".to_owned()));
    rig.link.drop_key(b"log/write").expect("there is room");
    rig.kill_engine();
    assert_eq!(rig.takeover.kept.len(), 1, "what was dropped is gone");
}

#[test]
fn what_an_engine_asked_for_before_it_died_is_done() {
    let mut rig = Rig::new();
    rig.ask(shell(1, "exec sleep 1000"));
    rig.kill_engine();
    assert_eq!(rig.takeover.lives.len(), 1);
    rig.spawned(1);
}

#[test]
fn an_engine_that_breaks_the_protocol_is_replaced_and_harms_nothing() {
    let mut rig = Rig::new();
    let pid = rig.shell(1, "exec sleep 1000");
    rig.link.ack(1).expect("there is room");
    rig.link.flush().expect("the guard is there");
    svc::sys::socket::send(&rig.link, &[0xff; 100], &[]).expect("there is room");
    rig.replaced();
    assert_eq!(rig.takeover.lives, [(1, b"tag 1".to_vec(), Told::Running(pid))]);
    rig.ask(shell(1, "exit 0"));
    rig.replaced();
    assert_eq!(rig.takeover.lives, [(1, b"tag 1".to_vec(), Told::Running(pid))], "a life has one process");
}

#[test]
fn hundreds_of_lives_and_kept_descriptors_are_taken_over() {
    let mut rig = Rig::new();
    for number in 1..=300 {
        rig.link.spawn(shell(number, "exec sleep 1000")).expect("there is room");
        let null = File::open("/dev/null").expect("a null device");
        rig.link.keep(format!("key {number}").as_bytes(), null.into()).expect("there is room");
    }
    for number in 1..=300 {
        rig.spawned(number);
    }
    rig.link.ack(300).expect("there is room");
    rig.kill_engine();
    assert_eq!((rig.takeover.lives.len(), rig.takeover.pidfds.len()), (300, 300));
    assert_eq!(rig.takeover.kept.len(), 300);
}
