//! The engine's end of the socket to the guard.
//!
//! Nothing here blocks. Requests are collected and leave with [`GuardLink::flush`], many to a packet;
//! what the socket does not take waits here and goes on when it is writable. Readiness is the caller's:
//! the link is [`AsFd`].

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::base::{Invocation, Shares, Signal};
use crate::guard::channel::{Arrival, Packet, Receiver};
use crate::guard::protocol::{Message, NAME_MAX, Request, Scope, Spawn};
use crate::sys::socket;

/// Requests that may wait for the guard, in bytes; past it a request is refused. Descriptors and
/// memory files are not counted.
pub const QUEUE_MAX: usize = 8 * 1024 * 1024;

/// The engine's connection to its guard.
pub struct GuardLink {
    socket: OwnedFd,
    receiver: Receiver,
    arrived: VecDeque<Message<OwnedFd>>,
    outgoing: VecDeque<Packet<OwnedFd>>,
    waiting: usize,
}

impl GuardLink {
    /// Takes the socket the engine was started with.
    ///
    /// # Errors
    /// What fcntl(2) says when it cannot be made non-blocking.
    pub fn from_fd(socket: OwnedFd) -> io::Result<Self> {
        socket::set_nonblocking(&socket)?;
        Ok(Self {
            socket,
            receiver: Receiver::default(),
            arrived: VecDeque::new(),
            outgoing: VecDeque::new(),
            waiting: 0,
        })
    }

    /// Returns the next message; `None` when there is none for now.
    ///
    /// # Errors
    /// `UnexpectedEof` when the guard is gone, `InvalidData` when it sent what is no message, else what
    /// recvmsg(2) says.
    pub fn recv(&mut self) -> io::Result<Option<Message<OwnedFd>>> {
        while self.arrived.is_empty() {
            match self.receiver.receive(self.socket.as_fd())? {
                Arrival::Messages(messages) => self.arrived.extend(messages),
                Arrival::Nothing => return Ok(None),
                Arrival::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(self.arrived.pop_front())
    }

    /// Asks for a launch.
    ///
    /// # Errors
    /// `InvalidInput` when the tag or a key is longer than [`NAME_MAX`], or the whole is longer or has more
    /// descriptors than can travel; `WouldBlock` when [`QUEUE_MAX`] is reached. Nothing was sent then.
    pub fn spawn(&mut self, spawn: Spawn<OwnedFd>) -> io::Result<()> {
        check_name(&spawn.tag)?;
        self.request(Request::Spawn(Box::new(spawn)))
    }

    /// Asks for a signal.
    ///
    /// # Errors
    /// `WouldBlock` when [`QUEUE_MAX`] is reached.
    pub fn signal(&mut self, invocation: Invocation, signal: Signal, scope: Scope) -> io::Result<()> {
        self.request(Request::Signal { invocation, signal, scope })
    }

    /// Limits what a running life may use from now on.
    ///
    /// # Errors
    /// `WouldBlock` when [`QUEUE_MAX`] is reached.
    pub fn share(&mut self, invocation: Invocation, shares: Shares) -> io::Result<()> {
        self.request(Request::Share { invocation, shares })
    }

    /// Lets the guard hold a descriptor until [`GuardLink::drop_key`], whatever becomes of this engine.
    ///
    /// # Errors
    /// `InvalidInput` when the key is longer than [`NAME_MAX`]; `WouldBlock` when [`QUEUE_MAX`] is reached.
    pub fn keep(&mut self, key: &[u8], fd: OwnedFd) -> io::Result<()> {
        check_name(key)?;
        self.request(Request::Keep { key: key.to_vec(), fd: Some(fd) })
    }

    /// Lets the guard close what it holds under this key.
    ///
    /// # Errors
    /// As [`GuardLink::keep`].
    pub fn drop_key(&mut self, key: &[u8]) -> io::Result<()> {
        check_name(key)?;
        self.request(Request::Drop { key: key.to_vec() })
    }

    /// Says that every event up to this number is recorded and need not be told again.
    ///
    /// # Errors
    /// `WouldBlock` when [`QUEUE_MAX`] is reached.
    pub fn ack(&mut self, up_to: u64) -> io::Result<()> {
        self.request(Request::Ack { up_to })
    }

    /// Ends the guard with this code, and whatever still descends from it.
    ///
    /// # Errors
    /// `WouldBlock` when [`QUEUE_MAX`] is reached.
    pub fn goodbye(&mut self, code: u8) -> io::Result<()> {
        self.request(Request::Goodbye { code })
    }

    /// Sends what is waiting, as far as the socket takes it; `true` when all has gone. Otherwise call
    /// it again when the socket is writable.
    ///
    /// # Errors
    /// `BrokenPipe` when the guard is gone, else what sendmsg(2) says.
    pub fn flush(&mut self) -> io::Result<bool> {
        while let Some(packet) = self.outgoing.front() {
            if !packet.send(self.socket.as_fd())? {
                return Ok(false);
            }
            self.waiting -= packet.len();
            self.outgoing.pop_front();
        }
        Ok(true)
    }

    /// Returns whether something waits to be sent.
    pub fn wants_write(&self) -> bool {
        !self.outgoing.is_empty()
    }

    fn request(&mut self, request: Request<OwnedFd>) -> io::Result<()> {
        if self.waiting >= QUEUE_MAX {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let packet = Packet::of(request)?;
        self.waiting += packet.len();
        let rest = match self.outgoing.back_mut() {
            Some(last) => last.append(packet),
            None => Some(packet),
        };
        self.outgoing.extend(rest);
        Ok(())
    }
}

impl AsFd for GuardLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn check_name(name: &[u8]) -> io::Result<()> {
    if name.len() > NAME_MAX { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
}
