//! The notify socket: what a service says of itself by `sd_notify`(3).
//!
//! One datagram socket an instance, so that the socket tells whom a message is about; who sent it is
//! told by the kernel (`SCM_CREDENTIALS`) and has to be the service's user or root. Messages are
//! lines `NAME=VALUE`; names svc does not know are passed over, as the protocol asks. Descriptors
//! sent along are closed: that is what answers `BARRIER=1`.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, setsockopt, socket, sockopt};
use nix::unistd::{Gid, Uid, chown};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::Interest;

use crate::sys::watch::Watched;

/// The longest message that is read whole; the rest of a longer one is lost. systemd's limit.
const MESSAGE: usize = 4096;

/// Room for the sender and as many descriptors as the kernel passes at once.
const CONTROL: usize = rustix::cmsg_space!(ScmCredentials(1), ScmRights(253));

/// One thing a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// `READY=1`.
    Ready,
    /// `STOPPING=1`.
    Stopping,
    /// `STATUS=…`: a line for people.
    Status(String),
    /// `EXTEND_TIMEOUT_USEC=…`.
    ExtendTimeout(Duration),
}

/// The socket of one instance.
#[derive(Debug)]
pub(crate) struct NotifySocket {
    socket: Watched,
}

/// Returns where the socket of an instance is, under the folder of a project's notify sockets.
pub(crate) fn path(folder: &Path, instance: &str) -> PathBuf {
    folder.join(instance)
}

/// Makes the folder for notify sockets: anybody may pass through, nobody but svc may list it or put
/// something there. A service that runs as another user could not reach its socket otherwise.
///
/// # Errors
///
/// When the folder can neither be made nor found.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o711).create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))
}

impl NotifySocket {
    /// Binds the socket of an instance; only `owner` and root may send to it.
    ///
    /// # Errors
    ///
    /// When the path is too long for a socket (107 bytes) or cannot be bound.
    pub(crate) fn bind(path: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?,
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        if let Some((uid, gid)) = owner {
            chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Self::from_fd(socket)
    }

    /// Takes over a socket that was bound by an earlier engine.
    ///
    /// # Errors
    ///
    /// When it cannot be watched.
    pub(crate) fn from_fd(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self { socket: Watched::new(socket, Interest::READABLE)? })
    }

    /// Returns another descriptor of the same socket.
    ///
    /// # Errors
    ///
    /// When there is no descriptor left.
    pub(crate) fn copy(&self) -> io::Result<OwnedFd> {
        self.socket.fd().try_clone()
    }

    /// Waits until there is something to receive.
    ///
    /// # Errors
    ///
    /// When the engine is ending.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Receives one message, with the process id of its sender; `WouldBlock` when there is none.
    ///
    /// # Errors
    ///
    /// What the kernel answers, `WouldBlock` among it.
    pub(crate) fn receive(&self) -> io::Result<(u32, Vec<Said>)> {
        let mut buffer = [0u8; MESSAGE];
        let mut space = [MaybeUninit::uninit(); CONTROL];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let length = recvmsg(self.socket.fd(), &mut parts, &mut control, flags)?.bytes;
        let mut sender = 0;
        for part in control.drain() {
            match part {
                RecvAncillaryMessage::ScmCredentials(who) => {
                    sender = who.pid.as_raw_nonzero().get().unsigned_abs();
                }
                // Dropping them closes them.
                RecvAncillaryMessage::ScmRights(descriptors) => drop(descriptors),
                _ => {}
            }
        }
        Ok((sender, parse(&buffer[..length])))
    }
}

/// Reads a message.
fn parse(message: &[u8]) -> Vec<Said> {
    let lines = message.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(|line| line.split_once('=')).filter_map(|(name, value)| said(name, value)).collect()
}

fn said(name: &str, value: &str) -> Option<Said> {
    match name {
        "READY" if value == "1" => Some(Said::Ready),
        "STOPPING" if value == "1" => Some(Said::Stopping),
        "STATUS" => Some(Said::Status(value.to_owned())),
        "EXTEND_TIMEOUT_USEC" => value.parse().ok().map(|us| Said::ExtendTimeout(Duration::from_micros(us))),
        _ => None,
    }
}
