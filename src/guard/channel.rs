//! Packets of messages over the socket between guard and engine; both ends use this.
//!
//! A message in a packet is a 32-bit head and a body. The head is the body's length; with its highest
//! bit set the body is not in the packet but in a memory file, the next of the packet's descriptors:
//! an environment may be larger than a packet may be.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::guard::codec::{Codec, Malformed};
use crate::guard::protocol::FDS_MAX;
use crate::sys::memory;
use crate::sys::socket;

/// A packet takes no further message past this many bytes.
const PACKET_FULL: usize = 32 * 1024;
/// A body longer than this travels as a memory file.
const INLINE_MAX: usize = 64 * 1024;
/// A body longer than this is no message: the kernel takes no larger argument list (execve(2)).
const BODY_MAX: usize = 8 * 1024 * 1024;
/// Room for the largest packet: one that was not yet full, and one more body.
const PACKET_MAX: usize = PACKET_FULL + INLINE_MAX + HEAD;
const HEAD: usize = 4;
/// The bit of a head that says the body is in a memory file.
const OUTSIDE: u32 = 1 << 31;

/// Messages on their way out.
#[derive(Debug)]
pub(super) struct Packet<F> {
    bytes: Vec<u8>,
    fds: Vec<F>,
}

impl<F> Default for Packet<F> {
    fn default() -> Self {
        Self { bytes: Vec::new(), fds: Vec::new() }
    }
}

impl<F: AsFd> Packet<F> {
    /// Returns whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns how many bytes are in it.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether a message with this many descriptors still fits.
    pub(super) fn takes(&self, fds: usize) -> bool {
        self.bytes.len() < PACKET_FULL && self.fds.len() + fds <= FDS_MAX
    }

    /// Appends a message that is known to be short; see [`Packet::takes`].
    pub(super) fn push(&mut self, message: impl Codec<F>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEAD]);
        message.encode(&mut self.bytes, &mut self.fds);
        let body = self.bytes.len() - start - HEAD;
        self.set_head(start, body as u32);
    }

    fn set_head(&mut self, start: usize, head: u32) {
        self.bytes[start..start + HEAD].copy_from_slice(&head.to_le_bytes());
    }

    /// Sends the packet; `false` when the socket is full and nothing was sent.
    ///
    /// # Errors
    /// What sendmsg(2) says.
    pub(super) fn send(&self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        let fds: Vec<BorrowedFd<'_>> = self.fds.iter().map(AsFd::as_fd).collect();
        loop {
            match socket::send(socket, &self.bytes, &fds) {
                Ok(()) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Packet<OwnedFd> {
    /// Makes a packet of one message of any length.
    ///
    /// # Errors
    /// `InvalidInput` when the message has more descriptors or bytes than can travel, else what
    /// memfd_create(2) says.
    pub(super) fn of(message: impl Codec<OwnedFd>) -> io::Result<Self> {
        let mut packet = Self::default();
        packet.push(message);
        let body = packet.bytes.len() - HEAD;
        if body > BODY_MAX || packet.fds.len() > FDS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if body > INLINE_MAX {
            packet.fds.insert(0, memory::file_of(&packet.bytes[HEAD..])?);
            packet.bytes.truncate(HEAD);
            packet.set_head(0, body as u32 | OUTSIDE);
        }
        Ok(packet)
    }

    /// Appends another packet, or gives it back when there is no room.
    pub(super) fn append(&mut self, mut other: Self) -> Option<Self> {
        if !self.takes(other.fds.len()) {
            return Some(other);
        }
        self.bytes.append(&mut other.bytes);
        self.fds.append(&mut other.fds);
        None
    }
}

/// The buffer packets are received into; one for the life of a connection.
pub(super) struct Receiver {
    buffer: Box<[u8]>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { buffer: vec![0; PACKET_MAX].into_boxed_slice() }
    }
}

/// What [`Receiver::receive`] found.
#[derive(Debug)]
pub(super) enum Arrival<M> {
    /// A packet's messages.
    Messages(Vec<M>),
    /// Nothing for now.
    Nothing,
    /// The other end is closed.
    Closed,
}

impl Receiver {
    /// Receives one packet.
    ///
    /// # Errors
    /// `InvalidData` when it holds what is no message, else what recvmsg(2) says.
    pub(super) fn receive<M: Codec<OwnedFd>>(&mut self, socket: BorrowedFd<'_>) -> io::Result<Arrival<M>> {
        let received = loop {
            match socket::receive(socket, &mut self.buffer) {
                Ok(received) => break received,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Arrival::Nothing),
                // Linux says once, and before what is still in the queue, that the other end was closed with
                // something unread. What it said last is behind this, and then its end.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Err(error) => return Err(error),
            }
        };
        if received.bytes == 0 {
            return Ok(Arrival::Closed);
        }
        messages(&self.buffer[..received.bytes], received.fds).map(Arrival::Messages)
    }
}

fn messages<M: Codec<OwnedFd>>(mut bytes: &[u8], fds: Vec<OwnedFd>) -> io::Result<Vec<M>> {
    let malformed = |_: Malformed| io::Error::from(io::ErrorKind::InvalidData);
    let mut fds = fds.into_iter();
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(Malformed).map_err(malformed)?;
        let head = u32::from_le_bytes(*head);
        let length = (head & !OUTSIDE) as usize;
        if head & OUTSIDE == 0 {
            let (body, rest) = rest.split_at_checked(length).ok_or(Malformed).map_err(malformed)?;
            messages.push(M::decode(body, &mut fds).map_err(malformed)?);
            bytes = rest;
        } else {
            let file = fds.next().filter(|_| length <= BODY_MAX).ok_or(Malformed).map_err(malformed)?;
            let body = memory::contents(file, length)?;
            messages.push(M::decode(&body, &mut fds).map_err(malformed)?);
            bytes = rest;
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::protocol::{Grouping, Launch, Request, Spawn};

    type Requests = Arrival<Request<OwnedFd>>;

    fn pair() -> (OwnedFd, OwnedFd) {
        socket::packet_pair().expect("a pair of sockets")
    }

    fn received(socket: &OwnedFd) -> io::Result<Requests> {
        Receiver::default().receive(socket.as_fd())
    }

    fn keep(key: &[u8]) -> Request<OwnedFd> {
        let fd = memory::file_of(key).expect("a memory file");
        Request::Keep { key: key.to_vec(), fd: Some(fd) }
    }

    #[test]
    fn messages_of_one_packet_get_their_own_descriptors() {
        let (ours, theirs) = pair();
        let mut packet = Packet::of(keep(b"one")).expect("short");
        for key in [b"two", b"six"] {
            assert!(packet.append(Packet::of(keep(key)).expect("short")).is_none());
        }
        assert!(packet.send(ours.as_fd()).expect("sent"));
        let Ok(Arrival::Messages(requests)) = received(&theirs) else { panic!("a packet") };
        assert_eq!(requests.len(), 3);
        for request in requests {
            let Request::Keep { key, fd: Some(fd) } = request else { panic!("{request:?}") };
            assert_eq!(memory::contents(fd, 3).expect("its own"), key);
        }
    }

    #[test]
    fn a_body_longer_than_a_packet_arrives_through_memory() {
        let (ours, theirs) = pair();
        let long = std::ffi::CString::new(vec![b'x'; INLINE_MAX * 3]).expect("no NUL");
        let launch = Launch { program: long.clone(), ..Launch::default() };
        let spawn = Spawn {
            invocation: crate::base::Invocation(1),
            tag: vec![],
            launch,
            grouping: Grouping::Shared,
            fds: vec![],
        };
        let packet = Packet::of(Request::Spawn(Box::new(spawn))).expect("it fits a memory file");
        assert!(packet.len() < 100);
        assert!(packet.send(ours.as_fd()).expect("sent"));
        let Ok(Arrival::Messages(mut requests)) = received(&theirs) else { panic!("a packet") };
        let Some(Request::Spawn(spawn)) = requests.pop() else { panic!("a launch") };
        assert_eq!(spawn.launch.program, long);
    }

    #[test]
    fn a_full_socket_takes_nothing_of_a_packet_and_an_empty_one_gives_nothing() {
        let (ours, theirs) = pair();
        assert!(matches!(received(&theirs), Ok(Arrival::Nothing)));
        let packet = Packet::of(keep(&[7; 4000])).expect("short");
        let mut sent = 0;
        while packet.send(ours.as_fd()).expect("the other end is open") {
            sent += 1;
        }
        for _ in 0..sent {
            let Ok(Arrival::Messages(requests)) = received(&theirs) else { panic!("a packet") };
            assert_eq!(requests.len(), 1);
        }
        assert!(matches!(received(&theirs), Ok(Arrival::Nothing)));
        drop(ours);
        assert!(matches!(received(&theirs), Ok(Arrival::Closed)));
    }

    #[test]
    fn what_was_said_last_arrives_although_its_sender_did_not_read_everything() {
        let (ours, theirs) = pair();
        let unread = Packet::of(keep(b"unread")).expect("short");
        assert!(unread.send(ours.as_fd()).expect("sent"));
        let goodbye = Packet::of(Request::Goodbye { code: 7 }).expect("short");
        assert!(goodbye.send(theirs.as_fd()).expect("sent"));
        drop(theirs);
        let Ok(Arrival::Messages(requests)) = received(&ours) else { panic!("the last words") };
        assert!(matches!(requests[..], [Request::Goodbye { code: 7 }]), "{requests:?}");
        assert!(matches!(received(&ours), Ok(Arrival::Closed)));
    }

    #[test]
    fn garbage_is_invalid_data() {
        let outside = (OUTSIDE | 5).to_le_bytes();
        for bytes in [&[1, 2][..], &[9, 0, 0, 0, 1], &[0, 0, 0, 0], &outside, &[0xff; 64]] {
            let (ours, theirs) = pair();
            socket::send(&ours, bytes, &[]).expect("sent");
            let kind = received(&theirs).expect_err("no message").kind();
            assert_eq!(kind, io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }

    #[test]
    fn a_message_that_cannot_travel_is_refused() {
        let long = std::ffi::CString::new(vec![b'x'; BODY_MAX]).expect("no NUL");
        let launch = Launch { program: long, ..Launch::default() };
        let spawn = Spawn {
            invocation: crate::base::Invocation(1),
            tag: vec![],
            launch,
            grouping: Grouping::Shared,
            fds: vec![],
        };
        let refused = Packet::of(Request::Spawn(Box::new(spawn))).expect_err("too long");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
