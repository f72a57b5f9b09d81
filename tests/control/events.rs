//! What readers of events get, miss and are told at the end.

use svc::control::wire::{Event, Happening, RequestResult as Ended};
use svc::control::{CallError, EventStream, wire};
use svc::engine::action::{Cause, RequestResult, StateName};
use svc::engine::event::RequestId;

use crate::control::support::{serve, shop};

async fn next(events: &mut EventStream) -> Event {
    events.next().await.expect("a sound stream").expect("an event")
}

fn start(names: &[&str]) -> wire::Command {
    wire::Command::Start { names: names.iter().map(|&name| name.to_owned()).collect(), no_deps: false }
}

#[tokio::test]
async fn who_subscribes_after_a_command_misses_nothing_of_it() {
    let bench = serve(shop());
    let client = bench.client().await;
    bench.becomes(0, StateName::Inactive, StateName::Disabled, Cause::Initial);
    let accepted = client.command(&start(&["db"])).await.expect("accepted");
    bench.becomes(0, StateName::Inactive, StateName::Starting, Cause::Request(RequestId(1)));
    bench.request_ends(accepted.request, RequestResult::Done);
    let mut events = client.events(Some(accepted.sequence)).await.expect("subscribed");
    let first = next(&mut events).await;
    insta::assert_snapshot!(
        serde_json::to_string(&first).expect("JSON"),
        @r#"{"schema":"svc.event/1","sequence":2,"at":"2026-01-02T03:04:05Z","event":"transition","instance":"db","from":"inactive","to":"starting","cause":{"kind":"request","text":"was asked to start","request":1}}"#
    );
    let ended = next(&mut events).await.happening;
    assert_eq!(ended, Happening::RequestEnded { request: 1, result: Ended::Done, failed: Vec::new() });
    // And it goes on with what happens now.
    bench.becomes(0, StateName::Starting, StateName::Ready, Cause::Spawned);
    assert_eq!(next(&mut events).await.sequence, 4);
}

#[tokio::test]
async fn without_a_number_the_events_begin_now() {
    let bench = serve(shop());
    bench.becomes(0, StateName::Inactive, StateName::Starting, Cause::Spawned);
    let mut events = bench.client().await.events(None).await.expect("subscribed");
    bench.becomes(0, StateName::Starting, StateName::Ready, Cause::Spawned);
    assert_eq!(next(&mut events).await.sequence, 2);
}

#[tokio::test]
async fn a_slow_reader_is_told_how_many_it_missed_and_loses_no_other() {
    const MANY: u64 = 40_000;
    let bench = serve(shop());
    let client = bench.client().await;
    let mut slow = client.events(Some(0)).await.expect("subscribed");
    let mut brisk = client.events(Some(0)).await.expect("subscribed");
    let mut read = 0;
    for sent in 1..=MANY {
        bench.becomes(0, StateName::Starting, StateName::Ready, Cause::Spawned);
        if sent % 500 == 0 {
            while read < sent {
                let event = next(&mut brisk).await;
                assert!(matches!(event.happening, Happening::Transition { .. }), "{event:?}");
                read = event.sequence;
            }
        }
    }
    let (mut got, mut missed, mut place) = (0, 0, 0);
    while place < MANY {
        let event = next(&mut slow).await;
        match event.happening {
            Happening::Missed { count } => missed += count,
            _ => {
                assert_eq!(event.sequence, place + 1, "no gap without a word");
                got += 1;
            }
        }
        place = event.sequence;
    }
    assert!(missed > 0, "the test is too small to outrun the buffers");
    assert_eq!(got + missed, MANY);
}

#[tokio::test]
async fn the_end_reaches_every_reader_before_the_server_stops() {
    let mut bench = serve(shop());
    let client = bench.client().await;
    let mut events = client.events(None).await.expect("subscribed");
    bench.happens(svc::runtime::handle::Happening::Ended { code: Some(3) });
    bench.end().await;
    assert_eq!(next(&mut events).await.happening, Happening::Ended { code: Some(3) });
    assert_eq!(events.next().await.expect("a sound end"), None);
    assert!(matches!(client.project().await, Err(CallError::Connect(_))));
}

#[tokio::test]
async fn events_that_have_not_happened_cannot_be_asked_for() {
    let bench = serve(shop());
    match bench.client().await.events(Some(7)).await {
        Err(CallError::Refused(problem)) => assert_eq!(problem.code, wire::Code::UnknownSequence),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn past_events_end_with_the_present() {
    let bench = serve(shop());
    let client = bench.client().await;
    assert!(client.past_events().await.expect("answered").next().await.expect("sound").is_none());
    for _ in 0..100 {
        bench.becomes(0, StateName::Inactive, StateName::Starting, Cause::Spawned);
    }
    let mut past = client.past_events().await.expect("answered");
    let mut count = 0;
    while past.next().await.expect("sound").is_some() {
        count += 1;
    }
    assert_eq!(count, 100);
}
