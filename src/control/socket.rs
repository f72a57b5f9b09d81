//! The socket of a project: nobody but its owner may use it, from its first instant.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// How many connections the kernel keeps for us until they are accepted.
const BACKLOG: i32 = 1024;

/// Makes the socket at `path` and listens on it. Only its owner may connect.
///
/// The file appears under its name in the instant in which it can be connected to, so whoever waits for
/// it by watching its directory is never refused. What a supervisor left behind that is gone is removed
/// first. So that two of them cannot remove each other's, the caller holds the project's lock.
///
/// # Errors
///
/// `AddrInUse` when somebody listens on it, or when there is something that is no socket; else what
/// socket(2), bind(2), listen(2) and rename(2) say, as `InvalidFilename` for a path of more than 107 bytes.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    remove_stale(path)?;
    SocketAddrUnix::new(path)?;
    let fresh = path.with_extension("new");
    remove_stale(&fresh)?;
    let address = SocketAddrUnix::new(&fresh)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // On Linux bind(2) gives the file the mode of the socket, less the umask: so there is no instant
    // at which others could connect, whatever the umask is.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    std::fs::rename(&fresh, path)?;
    Ok(socket.into())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !meta.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "something that is no socket is in the way"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another supervisor listens on it")),
    }
}
