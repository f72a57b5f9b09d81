//! Descriptors that tokio waits on.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that stays the same and open for as long as tokio watches it: it can be looked at, not
/// taken out.
#[derive(Debug)]
pub struct Watched(AsyncFd<Fixed>);

/// What [`AsyncFd`] holds; private, so that nobody can replace it there.
#[derive(Debug)]
struct Fixed(OwnedFd);

impl AsRawFd for Fixed {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Watched {
    /// Watches a non-blocking descriptor. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// What epoll_ctl(2) says.
    pub fn new(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        // SAFETY: the descriptor has to stay open and the same while it is registered. `Fixed` owns it,
        // is private to this module and is neither replaced nor handed out by any function of it.
        let watched = unsafe { AsyncFd::register_with_interest(Fixed(fd), interest) };
        Ok(Self(watched?))
    }

    /// Returns the descriptor.
    pub fn fd(&self) -> &OwnedFd {
        &self.0.get_ref().0
    }

    /// Waits until it is readable since this was last asked. Whoever is woken has to read until nothing
    /// is left: what was there before does not wake again.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Waits until it is writable since this was last asked.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn writable(&self) -> io::Result<()> {
        self.0.writable().await?.clear_ready();
        Ok(())
    }
}
