//! Signals a person or the machine sends to a verb that waits.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::Exit;

/// Why a verb should come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C.
    Interrupt,
    /// `SIGTERM`, or the terminal is gone: `SIGHUP`.
    Terminate,
}

impl Interrupt {
    /// Returns the exit code once everything has stopped well.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Done,
        }
    }
}

/// Takes the signals that end a verb.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them from now on.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Interrupt,
            _ = self.terminate.recv() => Interrupt::Terminate,
            _ = self.hangup.recv() => Interrupt::Terminate,
        }
    }
}
