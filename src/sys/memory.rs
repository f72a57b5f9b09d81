//! A nameless file in memory, for what is too long for a packet.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::MemfdFlags;

/// Makes a file in memory that holds `bytes`; it closes on exec.
///
/// # Errors
/// What memfd_create(2) and write(2) say.
pub fn file_of(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create(c"svc", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// Reads exactly `length` bytes from the start of such a file.
///
/// # Errors
/// `UnexpectedEof` when it is shorter, else what pread(2) says. Nothing is reserved for a length the
/// file does not have.
pub fn contents(file: OwnedFd, length: usize) -> io::Result<Vec<u8>> {
    let file = File::from(file);
    if file.metadata()?.len() < length as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
