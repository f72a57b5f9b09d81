//! Packets and descriptors over a Unix socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// The most descriptors one packet carries (`SCM_MAX_FD` of the kernel).
pub const FDS_MAX: usize = 253;

const CONTROL: usize = rustix::cmsg_space!(ScmRights(FDS_MAX));

/// Makes two connected sockets that keep message borders; both are non-blocking and close on exec.
///
/// # Errors
/// What socketpair(2) says.
pub fn packet_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Sends one packet with descriptors beside it; never raises `SIGPIPE`.
///
/// # Errors
/// What sendmsg(2) says; `WouldBlock` when a non-blocking socket is full, and nothing was sent.
pub fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); CONTROL];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// A packet that was received.
#[derive(Debug)]
pub struct Received {
    /// How many bytes it has; 0 means the other end is closed.
    pub bytes: usize,
    /// The descriptors that came with it, closing on exec, in order. When this process had no more
    /// free numbers, the last ones are missing.
    pub fds: Vec<OwnedFd>,
}

/// Receives one packet into `buffer`.
///
/// # Errors
/// What recvmsg(2) says; `WouldBlock` when a non-blocking socket is empty; `InvalidData` when the packet
/// is longer than `buffer`.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); CONTROL];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message =
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            fds.extend(rights);
        }
    }
    if message.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Received { bytes: message.bytes, fds })
}

/// Who is at the other end of a connected Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process, as it was when it connected.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Asks the kernel who is at the other end (`SO_PEERCRED`).
///
/// # Errors
/// What getsockopt(2) says.
pub fn peer(socket: impl AsFd) -> io::Result<Peer> {
    let credentials = rustix::net::sockopt::socket_peercred(socket)?;
    Ok(Peer {
        pid: credentials.pid.as_raw_nonzero().get().unsigned_abs(),
        uid: credentials.uid.as_raw(),
        gid: credentials.gid.as_raw(),
    })
}

/// Makes every call on this descriptor return at once.
///
/// # Errors
/// What ioctl(2) says.
pub fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(fd, true)?)
}

/// Returns whether sending failed because this user has too many descriptors on their way through sockets
/// (unix(7)): the same packet goes out when the other end has read some.
pub fn is_too_many_in_flight(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ETOOMANYREFS)
}
