//! Descriptors a process was started with.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::FdFlags;

/// Bit n is set when number n was taken.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// Takes the descriptor of this number, 3 to 63, that the process was started with, and makes it close on
/// exec. For the first lines of a process, before anything else is opened.
///
/// # Errors
/// `EBADF` when there is none; `InvalidInput` when it was taken before or has no such number.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    if !(3..64).contains(&number) || TAKEN.fetch_or(1 << number, Ordering::Relaxed) & (1 << number) != 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a number is borrowed for one call that fails when nothing is open there.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC)?;
    // SAFETY: it is open, and no one else owns it: the numbers a process is started with are known to its
    // first lines alone, which ask here, and each is given out once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Makes every descriptor from 3 on close on exec: whoever started this process may have left some open.
///
/// # Errors
/// What close_range(2) says; `ENOSYS` before Linux 5.11.
pub fn close_all_on_exec() -> io::Result<()> {
    // SAFETY: changes a flag of descriptors, closes none.
    let done = unsafe {
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
