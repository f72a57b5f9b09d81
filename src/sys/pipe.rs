//! Pipes that outlive whoever reads them, and moving bytes through them without copying.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, SpliceFlags};

/// Makes the pipe for a service's output: an end to read, non-blocking, and an end that is open for
/// reading *and* writing, to become the service's stdout. Both close on exec.
///
/// A writer that also holds a reader never gets `SIGPIPE`: the service outlives everyone who read
/// its output, and what it writes meanwhile waits in the pipe for the next reader. Where there is no `/proc` to
/// reopen the pipe through, the second end is for writing alone, and the service has no such protection.
///
/// # Errors
/// What pipe(2) says, or open(2).
pub fn service_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", write.as_raw_fd());
    let both = match rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => write,
        opened => opened?,
    };
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, both))
}

/// Opens another reading end, non-blocking, of a pipe one has an end of.
///
/// # Errors
/// What open(2) says, or there is no `/proc`.
pub fn read_end(end: &OwnedFd) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", end.as_raw_fd());
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?)
}

/// Moves up to `length` bytes from the pipe `from` to `to`, at `offset` when it is a file, which then
/// moves on. 0 means that every writer has closed.
///
/// # Errors
/// What splice(2) says; `WouldBlock` when the pipe is empty and `from` is non-blocking.
pub fn splice(from: impl AsFd, to: impl AsFd, offset: Option<&mut u64>, length: usize) -> io::Result<usize> {
    Ok(rustix::pipe::splice(from, None, to, offset, length, SpliceFlags::NONBLOCK)?)
}

/// Copies up to `length` bytes from one pipe to another and leaves them in the first.
///
/// # Errors
/// What tee(2) says; `WouldBlock` when the first is empty or the second full.
pub fn tee(from: impl AsFd, to: impl AsFd, length: usize) -> io::Result<usize> {
    Ok(rustix::pipe::tee(from, to, length, SpliceFlags::NONBLOCK)?)
}
