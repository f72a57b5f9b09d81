//! What is encoded is what is decoded, and nothing that comes in makes the decoder panic.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn signal() -> impl Strategy<Value = Signal> {
    (1..=64).prop_map(|number| Signal::from_number(number).expect("in range"))
}

fn exit() -> impl Strategy<Value = ExitStatus> {
    prop_oneof![
        any::<i32>().prop_map(ExitStatus::Code),
        signal().prop_map(ExitStatus::Signal),
        option::of(any::<u64>()).prop_map(|limit| ExitStatus::OutOfMemory { limit: limit.map(Size) }),
        Just(ExitStatus::Unknown)
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Main), Just(Scope::Group), Just(Scope::Everything)]
}

fn invocation() -> impl Strategy<Value = Invocation> {
    any::<u64>().prop_map(Invocation)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn c_string() -> impl Strategy<Value = CString> {
    vec(1u8..=255, 0..40).prop_map(|bytes| CString::new(bytes).expect("no NUL"))
}

fn launch() -> impl Strategy<Value = Launch> {
    let credentials = (any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..5));
    let credentials = credentials.prop_map(|(uid, gid, groups)| Credentials { uid, gid, groups });
    let limit = (0..Resource::ALL.len(), any::<u64>(), any::<u64>());
    let limit = limit.prop_map(|(at, soft, hard)| Limit { resource: Resource::ALL[at], soft, hard });
    (
        c_string(),
        vec(c_string(), 0..5),
        vec(c_string(), 0..5),
        option::of(c_string()),
        option::of(any::<u32>()),
        option::of(credentials),
        vec(limit, 0..5),
        option::of(any::<i8>()),
        any::<bool>(),
        vec(c_string(), 0..3),
    )
        .prop_map(|(program, argv, env, cwd, umask, credentials, limits, nice, session, own_pid)| {
            Launch { program, argv, env, cwd, umask, credentials, limits, nice, session, own_pid }
        })
}

fn shares() -> impl Strategy<Value = Shares> {
    (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u32>()))
        .prop_map(|(memory, cpu, pids)| Shares { memory: memory.map(Size), cpu, pids })
}

fn grouping() -> impl Strategy<Value = Grouping> {
    prop_oneof![
        Just(Grouping::Shared),
        (name(), shares()).prop_map(|(name, shares)| Grouping::Own { name, shares }),
        invocation().prop_map(Grouping::Under),
    ]
}

fn groups() -> impl Strategy<Value = Groups> {
    (any::<[bool; 4]>(), "[a-zé `/]{0,40}", any::<u32>()).prop_map(
        |([leaves, memory, cpu, pids], lacking, cleared)| Groups {
            leaves,
            memory,
            cpu,
            pids,
            lacking,
            cleared,
        },
    )
}

fn install() -> impl Strategy<Value = Install<u32>> {
    let source = prop_oneof![
        Just(()).prop_map(|()| Source::Null),
        option::of(any::<u32>()).prop_map(Source::Passed),
        name().prop_map(Source::Kept)
    ];
    (any::<u16>(), source).prop_map(|(target, source)| Install { target, source })
}

fn request() -> impl Strategy<Value = Request<u32>> {
    let spawn = (invocation(), name(), launch(), grouping(), vec(install(), 0..5));
    prop_oneof![
        spawn.prop_map(|(invocation, tag, launch, grouping, fds)| {
            Request::Spawn(Box::new(Spawn { invocation, tag, launch, grouping, fds }))
        }),
        (invocation(), signal(), scope()).prop_map(|(invocation, signal, scope)| Request::Signal {
            invocation,
            signal,
            scope
        }),
        (name(), option::of(any::<u32>())).prop_map(|(key, fd)| Request::Keep { key, fd }),
        name().prop_map(|key| Request::Drop { key }),
        any::<u64>().prop_map(|up_to| Request::Ack { up_to }),
        any::<u8>().prop_map(|code| Request::Goodbye { code }),
        (invocation(), shares()).prop_map(|(invocation, shares)| Request::Share { invocation, shares }),
    ]
}

fn event() -> impl Strategy<Value = Event<u32>> {
    let failure = (0..Stage::ALL.len(), any::<i32>());
    let failure = failure.prop_map(|(stage, errno)| SpawnFailure { stage: Stage::ALL[stage], errno });
    prop_oneof![
        (invocation(), any::<u32>(), option::of(any::<u32>()))
            .prop_map(|(invocation, pid, pidfd)| Event::Spawned { invocation, pid, pidfd }),
        (invocation(), failure).prop_map(|(invocation, failure)| Event::SpawnFailed { invocation, failure }),
        (invocation(), exit(), any::<bool>()).prop_map(|(invocation, exit, stragglers)| Event::Exited {
            invocation,
            exit,
            stragglers
        }),
        invocation().prop_map(|invocation| Event::Emptied { invocation }),
        signal().prop_map(|signal| Event::SignalReceived { signal }),
    ]
}

fn message() -> impl Strategy<Value = Message<u32>> {
    let state = prop_oneof![
        Just(()).prop_map(|()| LifeState::Launching),
        (any::<u32>(), option::of(any::<u32>())).prop_map(|(pid, pidfd)| LifeState::Running { pid, pidfd }),
        exit().prop_map(|exit| LifeState::Lingering { exit }),
    ];
    prop_oneof![
        (any::<u16>(), groups()).prop_map(|(version, groups)| Message::Hello { version, groups }),
        (invocation(), name(), state).prop_map(|(invocation, tag, state)| Message::Life {
            invocation,
            tag,
            state
        }),
        (name(), option::of(any::<u32>())).prop_map(|(key, fd)| Message::Kept { key, fd }),
        Just(()).prop_map(|()| Message::Ready),
        (any::<u64>(), event()).prop_map(|(number, event)| Message::Event { number, event }),
    ]
}

fn encoded(message: impl Codec<u32>) -> (Vec<u8>, Vec<u32>) {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    message.encode(&mut bytes, &mut fds);
    (bytes, fds)
}

proptest! {
    #[test]
    fn a_request_is_decoded_as_it_was_encoded(request in request()) {
        let text = format!("{request:?}");
        let (bytes, fds) = encoded(request);
        let mut fds = fds.into_iter();
        let decoded = Request::decode(&bytes, &mut fds).expect("it was encoded");
        prop_assert_eq!(format!("{decoded:?}"), text);
        prop_assert_eq!(fds.next(), None, "every descriptor is taken");
    }

    #[test]
    fn a_message_is_decoded_as_it_was_encoded(message in message()) {
        let text = format!("{message:?}");
        let (bytes, fds) = encoded(message);
        let mut fds = fds.into_iter();
        let decoded = Message::decode(&bytes, &mut fds).expect("it was encoded");
        prop_assert_eq!(format!("{decoded:?}"), text);
        prop_assert_eq!(fds.next(), None, "every descriptor is taken");
    }

    #[test]
    fn a_cut_or_continued_message_is_malformed(request in request(), cut in any::<prop::sample::Index>()) {
        let (mut bytes, _) = encoded(request);
        let cut = cut.index(bytes.len());
        prop_assert_eq!(Request::<u32>::decode(&bytes[..cut], &mut std::iter::empty()).err(), Some(Malformed));
        bytes.push(0);
        prop_assert_eq!(Request::<u32>::decode(&bytes, &mut std::iter::empty()).err(), Some(Malformed));
    }

    #[test]
    fn descriptors_lost_on_the_way_are_missing_and_nothing_else(request in request()) {
        let (bytes, _) = encoded(request);
        let decoded = Request::<u32>::decode(&bytes, &mut std::iter::empty()).expect("it was encoded");
        let (_, fds) = encoded(decoded);
        prop_assert!(fds.is_empty());
    }

    #[test]
    fn noise_is_decoded_or_malformed_and_never_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        for first in 0..=6 {
            let bytes = [&[first], &bytes[..]].concat();
            let _either_is_well = Request::<u32>::decode(&bytes, &mut std::iter::repeat(0));
            let _either_is_well = Message::<u32>::decode(&bytes, &mut std::iter::repeat(0));
        }
    }

    #[test]
    fn a_spoiled_byte_never_makes_a_panic(
        request in request(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut bytes, _) = encoded(request);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _either_is_well = Request::<u32>::decode(&bytes, &mut std::iter::repeat(0));
    }
}

#[test]
fn a_list_longer_than_its_bytes_reserves_nothing() {
    let mut bytes = vec![0];
    put_invocation(Invocation(1), &mut bytes);
    put_bytes(b"tag", &mut bytes);
    put_bytes(b"program", &mut bytes);
    put_u32(u32::MAX, &mut bytes);
    assert_eq!(Request::<u32>::decode(&bytes, &mut std::iter::empty()).err(), Some(Malformed));
}
