//! Lines that go elsewhere besides the log: to the machine's syslog, or as datagrams to a socket.
//!
//! A line is sent once it is in the log. What cannot be sent waits in a bounded queue; what does not fit there is counted
//! and told, and the log has it anyway. Nothing here blocks: a receiver that is slow, missing or starts again
//! holds up nobody. A line is sent once at most: those of an engine that is killed just then are not sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use memchr::memchr;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};

use crate::logs::name::Channel;
use crate::logs::rewrite;

/// A longer line is sent in pieces of this size: what receivers of datagrams take.
pub const LONGEST_MESSAGE: usize = 8 * 1024;

/// As much waits for a receiver that takes nothing.
pub const QUEUE: usize = 64 * 1024;

/// How long a receiver that cannot be reached is left alone.
const RETRY: Duration = Duration::from_millis(500);

/// How long one is left alone that has enough for the moment.
const FULL: Duration = Duration::from_millis(5);

/// Who is sent lines, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// To whom.
    pub to: Place,
    /// As what.
    pub message: Message,
    /// Whose lines they are.
    pub instance: String,
    /// Whether stderr comes by a pipe of its own, so that a line's stream is known.
    pub apart: bool,
}

/// Where a datagram goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// To a Unix socket.
    Unix(PathBuf),
    /// To an address.
    Udp(SocketAddr),
}

/// What is sent for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The line.
    Raw,
    /// An object as in a log with `format=json`.
    Json,
    /// A message as in RFC 5424.
    Syslog,
    /// A message as syslog(3) writes it to `/dev/log`, in local time.
    Local,
}

/// Sends the lines of one output of an instance to one receiver.
#[derive(Debug)]
pub(crate) struct Sender {
    receiver: Receiver,
    channel: Option<Channel>,
    socket: Option<OwnedFd>,
    unfinished: Vec<u8>,
    queue: VecDeque<Vec<u8>>,
    queued: usize,
    /// When sending failed last, if it still does.
    failed: Option<Timestamp>,
    /// How many lines were dropped and not told.
    dropped: u64,
    /// Whether the trouble was told.
    told: bool,
    news: Vec<News>,
}

/// Something an operator should hear of.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// Lines wait, and then are dropped, because they cannot be sent.
    Stuck {
        /// Where they should go.
        to: String,
        /// What the kernel answered.
        source: Errno,
    },
    /// Lines are sent again.
    Sent {
        /// Where they go.
        to: String,
        /// How many were dropped meanwhile.
        dropped: u64,
    },
}

impl Sender {
    /// Makes a sender for one output.
    pub(crate) fn new(receiver: Receiver, channel: Channel) -> Self {
        let channel = Some(channel).filter(|_| receiver.apart);
        let (socket, unfinished, queue) = (None, Vec::new(), VecDeque::new());
        let (failed, news) = (None, Vec::new());
        let (queued, dropped, told) = (0, 0, false);
        Self { receiver, channel, socket, unfinished, queue, queued, failed, dropped, told, news }
    }

    /// Takes the next piece of output.
    pub(crate) fn feed(&mut self, mut piece: &[u8], now: Timestamp) {
        while let Some(end) = memchr(b'\n', piece) {
            self.keep(&piece[..end], now);
            self.finish(now);
            piece = &piece[end + 1..];
        }
        self.keep(piece, now);
    }

    /// Takes what is there of an unfinished line: its process has ended.
    pub(crate) fn end_line(&mut self, now: Timestamp) {
        self.finish(now);
    }

    /// Sends what waits, unless that was tried just now; returns when to come back.
    pub(crate) fn flush(&mut self, now: Timestamp) -> Option<Duration> {
        let rests = |tried: Timestamp| now.duration_since(tried).unsigned_abs() < RETRY;
        while !self.queue.is_empty() && !self.failed.is_some_and(rests) {
            match self.send_first() {
                Ok(()) => {
                    self.queued -= self.queue.pop_front().map_or(0, |message| message.len());
                    self.failed = None;
                }
                // The receiver is there and has enough for the moment.
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::INTR) => return Some(FULL),
                Err(source) => {
                    self.socket = None;
                    self.failed = Some(now);
                    self.tell_trouble(source);
                }
            }
        }
        if !self.queue.is_empty() {
            return Some(RETRY);
        }
        if std::mem::take(&mut self.told) {
            let dropped = std::mem::take(&mut self.dropped);
            self.news.push(News::Sent { to: self.to(), dropped });
        }
        None
    }

    /// Returns what an operator should hear of.
    pub(crate) fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn tell_trouble(&mut self, source: Errno) {
        if !std::mem::replace(&mut self.told, true) {
            self.news.push(News::Stuck { to: self.to(), source });
        }
    }

    fn to(&self) -> String {
        match &self.receiver.to {
            Place::Unix(path) => path.display().to_string(),
            Place::Udp(address) => address.to_string(),
        }
    }

    /// Keeps a piece of a line, and sends a line in pieces that is too long.
    fn keep(&mut self, mut piece: &[u8], now: Timestamp) {
        while self.unfinished.len() + piece.len() > LONGEST_MESSAGE {
            let (head, tail) = piece.split_at(LONGEST_MESSAGE - self.unfinished.len());
            self.unfinished.extend_from_slice(head);
            self.finish(now);
            piece = tail;
        }
        self.unfinished.extend_from_slice(piece);
    }

    /// Queues the line that is whole now.
    fn finish(&mut self, now: Timestamp) {
        let line = std::mem::take(&mut self.unfinished);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            return;
        }
        let message = self.message(line, now);
        if self.queued + message.len() > QUEUE {
            let _ = self.flush(now);
        }
        if self.queued + message.len() > QUEUE {
            self.dropped += 1;
            return self.tell_trouble(Errno::AGAIN);
        }
        self.queued += message.len();
        self.queue.push_back(message);
    }

    fn message(&self, line: &[u8], now: Timestamp) -> Vec<u8> {
        let name = &self.receiver.instance;
        // The facility `daemon`, and `info`; what comes by stderr alone is a warning.
        let priority = 3 * 8 + if self.channel == Some(Channel::Err) { 4 } else { 6 };
        let mut message = match self.receiver.message {
            Message::Raw => return line.to_vec(),
            Message::Json => return rewrite::message(name, self.channel, line, now),
            Message::Syslog => {
                let names = nix::sys::utsname::uname();
                let host = names.as_ref().ok().and_then(|names| names.nodename().to_str());
                let host = host.filter(|host| !host.is_empty()).unwrap_or("-");
                format!("<{priority}>1 {now:.3} {host} {name} - - - ").into_bytes()
            }
            Message::Local => {
                let local = now.to_zoned(TimeZone::system());
                format!("<{priority}>{} {name}: ", local.strftime("%b %e %H:%M:%S")).into_bytes()
            }
        };
        message.extend_from_slice(line);
        message
    }

    fn send_first(&mut self) -> Result<(), Errno> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(open(&self.receiver.to)?),
        };
        let Some(message) = self.queue.front() else { return Ok(()) };
        match send(socket, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            // A message that no datagram can hold will not go another time either.
            Ok(_) | Err(Errno::MSGSIZE) => Ok(()),
            Err(source) => Err(source),
        }
    }
}

/// Opens a socket that sends to a place.
fn open(to: &Place) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let family = match to {
        Place::Unix(_) => AddressFamily::UNIX,
        Place::Udp(SocketAddr::V4(_)) => AddressFamily::INET,
        Place::Udp(SocketAddr::V6(_)) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    match to {
        Place::Unix(path) => connect(&socket, &SocketAddrUnix::new(path.as_path())?)?,
        Place::Udp(address) => connect(&socket, address)?,
    }
    Ok(socket)
}
