//! Sockets that are opened for services and passed to them, as sd_listen_fds(3) describes.
//!
//! A socket is opened when the first instance that has it is launched, and stays open until the last one is down for
//! good: over restarts and waits, whatever becomes of the engine, since the guard holds it. Who connects meanwhile waits
//! in the kernel's queue.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType};

use crate::graph::plan::{Address, Launch, Socket};

/// How many connections wait to be accepted, at most: the kernel takes `net.core.somaxconn` (4096) when that is less.
const BACKLOG: i32 = 4096;

/// How long the name of a host is looked up.
const LOOKUP: Duration = Duration::from_secs(2);

/// Which sockets are open, and for which instances.
#[derive(Debug, Default)]
pub(crate) struct Listening(BTreeMap<Address, Open>);

/// A socket that is open.
#[derive(Debug)]
struct Open {
    /// Our copy of what the guard keeps.
    socket: OwnedFd,
    holders: BTreeSet<Arc<str>>,
}

impl Listening {
    /// Notes that a socket was opened.
    pub(crate) fn opened(&mut self, address: Address, socket: OwnedFd) {
        self.0.insert(address, Open { socket, holders: BTreeSet::new() });
    }

    /// Returns whether a socket is open.
    pub(crate) fn is_open(&self, address: &Address) -> bool {
        self.0.contains_key(address)
    }

    /// Notes that an instance has a socket that is open.
    pub(crate) fn hold(&mut self, address: &Address, instance: &Arc<str>) {
        if let Some(open) = self.0.get_mut(address) {
            open.holders.insert(Arc::clone(instance));
        }
    }

    /// Lets go of all sockets of an instance but those it is still to have, and closes those that nobody has any more.
    /// Returns their keys.
    pub(crate) fn release(&mut self, instance: &str, but: &[Socket]) -> Vec<Vec<u8>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        for (address, open) in &mut self.0 {
            if but.iter().all(|socket| socket.address != *address) {
                open.holders.remove(instance);
            }
        }
        let unused = self.0.extract_if(.., |_, open| open.holders.is_empty());
        let close = |(address, open): (Address, Open)| {
            close(&address, open.socket);
            key(&address)
        };
        unused.map(close).collect()
    }
}

/// Closes a socket at once, although the guard and what is left of a service may have it open for a moment yet: so that
/// it can be opened again. A socket for datagrams is closed when they let go of it.
fn close(address: &Address, socket: OwnedFd) {
    match address {
        // It refuses connections from now on.
        Address::Tcp(..) => drop(rustix::net::shutdown(socket, Shutdown::Read)),
        Address::Udp(..) => {}
        Address::Unix(path, _)
            if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) =>
        {
            // Without it there is a socket that refuses everybody; the next one to open it removes it.
            let _ = fs::remove_file(path);
        }
        Address::Unix(..) => {}
    }
}

/// Returns the sockets of an instance.
pub(crate) fn sockets(launch: &Launch) -> &[Socket] {
    launch.extras.as_ref().map_or(&[], |extras| &extras.sockets)
}

/// The key under which the guard keeps a socket.
pub(crate) fn key(address: &Address) -> Vec<u8> {
    match address {
        Address::Tcp(host, port) => format!("listen:tcp:{host}:{port}").into_bytes(),
        Address::Udp(host, port) => format!("listen:udp:{host}:{port}").into_bytes(),
        Address::Unix(path, _) => [b"listen:unix:", path.as_os_str().as_encoded_bytes()].concat(),
    }
}

/// Opens a socket. It blocks whoever reads from it, as services expect of one they are given. A Unix socket becomes
/// that of `owner`, if there is one.
///
/// # Errors
///
/// What socket(2), bind(2) and listen(2) say; `AddrInUse` also when there is something at the path that is no socket.
pub(crate) fn open(address: &Address, owner: Option<(u32, u32)>) -> io::Result<OwnedFd> {
    match address {
        Address::Tcp(host, port) => {
            // The standard library reuses addresses that only past connections have.
            let listener = std::net::TcpListener::bind(&resolve(host, *port)?[..])?;
            rustix::net::listen(&listener, BACKLOG)?;
            Ok(listener.into())
        }
        Address::Udp(host, port) => Ok(std::net::UdpSocket::bind(&resolve(host, *port)?[..])?.into()),
        Address::Unix(path, mode) => unix(path, *mode, owner),
    }
}

/// Returns the addresses a host has. An address in digits needs nobody; the lookup of a name may hang, and the engine
/// has to go on.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = plain.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (found, answer) = mpsc::channel();
    let name = plain.to_owned();
    std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = found.send((name, port).to_socket_addrs().map(Vec::from_iter));
    })?;
    answer.recv_timeout(LOOKUP).map_err(|_| io::Error::from_raw_os_error(libc::ETIMEDOUT))?
}

fn unix(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<OwnedFd> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    remove_stale(path)?;
    let address = SocketAddrUnix::new(path)?;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // bind(2) gives the file the mode of the socket, less the mask: there is no instant at which others could connect.
    rustix::fs::fchmod(&socket, rustix::fs::Mode::from_raw_mode(mode))?;
    let mask = umask(Mode::empty());
    let bound = rustix::net::bind(&socket, &address);
    umask(mask);
    bound?;
    if let Some((user, group)) = owner {
        std::os::unix::fs::lchown(path, Some(user), Some(group))?;
    }
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Removes what a supervisor left behind that is gone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = || io::Error::from_raw_os_error(libc::EADDRINUSE);
    let kind = match path.symlink_metadata() {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        return Err(in_use());
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(in_use()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use super::*;

    fn socket(port: u16) -> Socket {
        Socket {
            address: Address::Tcp("127.0.0.1".to_owned(), port),
            name: "web".to_owned(),
            passed: crate::graph::plan::Passed::Descriptor,
            span: crate::diagnostic::Span::default(),
        }
    }

    #[test]
    fn a_socket_is_closed_when_nobody_has_it_any_more_and_can_be_opened_again_at_once() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let (mut listening, web) = (Listening::default(), socket(port));
        let names: [Arc<str>; 2] = ["web.0".into(), "web.1".into()];
        let opened = open(&web.address, None).expect("opened");
        // The copies of the guard and of a process that is left.
        let copies = [opened.try_clone().expect("copied"), opened.try_clone().expect("copied")];
        listening.opened(web.address.clone(), opened);
        names.iter().for_each(|name| listening.hold(&web.address, name));
        assert!(listening.release("web.0", std::slice::from_ref(&web)).is_empty(), "it still has it");
        assert!(listening.release("web.0", &[]).is_empty(), "the other one has it");
        std::net::TcpStream::connect(("127.0.0.1", port)).expect("it is open");
        assert_eq!(listening.release("web.1", &[]), [key(&web.address)]);
        assert!(!listening.is_open(&web.address));
        std::net::TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
        drop(open(&web.address, None).expect("opened again"));
        drop(copies);
    }

    #[test]
    fn a_unix_socket_has_its_mode_whatever_the_mask_and_takes_the_place_of_a_stale_one_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path: PathBuf = folder.path().join("run/web.sock");
        let address = Address::Unix(path.clone(), 0o666);
        let first = open(&address, None).expect("opened");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        let error = open(&address, None).expect_err("somebody listens on it");
        assert_eq!(error.raw_os_error(), Some(libc::EADDRINUSE));
        drop(first);
        drop(open(&address, None).expect("nobody listens any more"));
        fs::remove_file(&path).expect("there");
        fs::write(&path, "precious").expect("written");
        let error = open(&address, None).expect_err("it is no socket");
        assert_eq!(error.raw_os_error(), Some(libc::EADDRINUSE));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
    }

    #[test]
    fn a_listener_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("web.sock");
        let _theirs = UnixListener::bind(&path).expect("bound");
        let error = open(&Address::Unix(path.clone(), 0o600), None).expect_err("in use");
        assert_eq!(error.raw_os_error(), Some(libc::EADDRINUSE));
        UnixStream::connect(&path).expect("they still listen");
    }

    #[test]
    fn a_host_is_looked_up_by_its_name() {
        let found = resolve("localhost", 7).expect("every machine knows it");
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
        assert_eq!(resolve("[::1]", 8).expect("digits"), ["[::1]:8".parse().expect("an address")]);
    }
}
