//! Signals as something to read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::base::Signal;

/// Signals that someone sends to a supervisor as a whole.
const FOR_US: &[Number] = &[
    Number::SIGHUP,
    Number::SIGINT,
    Number::SIGQUIT,
    Number::SIGTERM,
    Number::SIGPWR,
    Number::SIGUSR1,
    Number::SIGUSR2,
];

/// The signals of this process: all are blocked, and those that matter are read here.
pub struct Signals {
    source: SignalFd,
}

impl Signals {
    /// Blocks every signal in this thread, for good. Call it before there is another thread.
    ///
    /// # Errors
    /// What sigprocmask(2) and signalfd(2) say.
    pub fn take() -> io::Result<Self> {
        SigSet::all().thread_block()?;
        let mut set = SigSet::empty();
        set.add(Number::SIGCHLD);
        FOR_US.iter().for_each(|signal| set.add(*signal));
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self { source: SignalFd::with_flags(&set, flags)? })
    }

    /// Returns the next signal that came; `None` when there is none.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn next(&self) -> io::Result<Option<Signal>> {
        let info = self.source.read_signal()?;
        Ok(info.and_then(|info| Signal::from_number(i32::try_from(info.ssi_signo).unwrap_or(0))))
    }
}

/// Lets a write that would pass a file size limit fail with `EFBIG` instead of killing this process.
///
/// # Errors
/// What sigaction(2) says.
pub fn ignore_file_size_limit() -> io::Result<()> {
    // SAFETY: no handler of ours runs: the signal is ignored. Processes made by the guard get every
    // disposition back.
    unsafe { nix::sys::signal::signal(Number::SIGXFSZ, nix::sys::signal::SigHandler::SigIgn) }?;
    Ok(())
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
