//! Every bound of the server, and what happens at it: time stands still until nobody has anything to do,
//! so nobody waits for the thirty seconds.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use svc::control::server::{CONNECTIONS, IDLE};
use svc::control::{CallError, routes, wire};
use svc::engine::action::{Cause, StateName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::control::support::{Bench, serve, shop};

const MOMENT: Duration = Duration::from_secs(1);

/// Lets this process have both ends of all connections there may be.
fn many_descriptors() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    let enough = 4 * CONNECTIONS as u64;
    assert!(hard >= enough, "the machine gives {hard} descriptors at most");
    if soft < enough {
        setrlimit(Resource::RLIMIT_NOFILE, enough, hard).expect("up to the hard limit");
    }
}

async fn connect(bench: &Bench) -> UnixStream {
    UnixStream::connect(&bench.socket).await.expect("connects")
}

/// Reads to the end.
async fn rest(stream: &mut UnixStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8(answer).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_after_its_time() {
    let bench = serve(shop());
    let mut silent = connect(&bench).await;
    assert!(timeout(IDLE - MOMENT, rest(&mut silent)).await.is_err(), "not before its time");
    assert_eq!(timeout(2 * MOMENT, rest(&mut silent)).await.expect("closed"), "");
    // The same holds between two requests, and in the middle of one's headers.
    let mut idle = connect(&bench).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: svc\r\n\r\n").await.expect("written");
    let answer = timeout(IDLE + MOMENT, rest(&mut idle)).await.expect("closed");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut slow = connect(&bench).await;
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: s").await.expect("written");
    let _ = timeout(IDLE + MOMENT, rest(&mut slow)).await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let bench = serve(shop());
    let mut slow = connect(&bench).await;
    slow.write_all(
        b"POST /v1/commands HTTP/1.1\r\nHost: svc\r\nConnection: close\r\nContent-Length: 99\r\n\r\n{",
    )
    .await
    .expect("written");
    let answer = timeout(11 * MOMENT, rest(&mut slow)).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("too-slow"), "{answer}");
    assert!(bench.commands.lock().expect("whole").is_empty());
}

#[tokio::test]
async fn a_body_without_an_end_is_refused_at_64_kib() {
    let bench = serve(shop());
    let mut stream = connect(&bench).await;
    stream
        .write_all(b"POST /v1/commands HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .expect("written");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    // The server may hang up before all of it is written.
    for _ in 0..=routes::LARGEST_BODY / 0x1000 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("answered");
    assert_eq!(&start, b"HTTP/1.1 413");
    assert!(bench.commands.lock().expect("whole").is_empty());
}

#[tokio::test]
async fn a_thousand_idle_connections_do_not_keep_one_more_waiting() {
    many_descriptors();
    let bench = serve(shop());
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(connect(&bench).await);
    }
    let client = bench.client().await;
    let answer = timeout(10 * MOMENT, client.services()).await.expect("in time").expect("answered");
    assert_eq!(answer.instances.len(), 4);
}

#[tokio::test]
async fn past_the_last_connection_one_waits_until_another_ends() {
    many_descriptors();
    let bench = serve(shop());
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(connect(&bench).await);
    }
    let client = bench.client().await;
    let mut asking = tokio::spawn(async move { client.services().await });
    assert!(timeout(MOMENT / 4, &mut asking).await.is_err(), "the kernel keeps it waiting");
    // One for the look of the client whether anybody is there, one for its question.
    idle.truncate(CONNECTIONS - 2);
    let answer = timeout(10 * MOMENT, asking).await.expect("in time").expect("no panic");
    assert_eq!(answer.expect("answered").instances.len(), 4);
}

#[tokio::test]
async fn of_a_thousand_readers_of_events_the_next_is_told_so_and_every_other_question_is_answered() {
    many_descriptors();
    let bench = serve(shop());
    let client = bench.client().await;
    let mut readers = Vec::new();
    for _ in 0..routes::READERS {
        readers.push(client.events(None).await.expect("subscribed"));
    }
    match client.events(None).await {
        Err(CallError::Refused(problem)) => assert_eq!(problem.code, wire::Code::TooManyReaders),
        other => panic!("{other:?}"),
    }
    assert_eq!(client.services().await.expect("answered").instances.len(), 4);
    bench.becomes(0, StateName::Inactive, StateName::Starting, Cause::Spawned);
    for reader in &mut readers {
        assert_eq!(reader.next().await.expect("sound").expect("an event").sequence, 1);
    }
}

#[tokio::test]
async fn a_reader_of_events_who_never_reads_holds_nobody_up() {
    const MANY: u64 = 20_000;
    let bench = serve(shop());
    let mut deaf = connect(&bench).await;
    deaf.write_all(b"GET /v1/events HTTP/1.1\r\nHost: svc\r\n\r\n").await.expect("written");
    let client = bench.client().await;
    let mut brisk = client.events(Some(0)).await.expect("subscribed");
    for sent in 1..=MANY {
        bench.becomes(0, StateName::Starting, StateName::Ready, Cause::Spawned);
        if sent % 500 == 0 {
            while brisk.next().await.expect("sound").expect("an event").sequence < sent {}
            assert_eq!(client.services().await.expect("answered").sequence, sent);
        }
    }
    drop(deaf);
}
