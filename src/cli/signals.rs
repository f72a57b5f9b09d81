//! Signals a person or the machine sends to a verb that waits.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::Exit;
use crate::cli::orphans;

/// Why a verb should come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C.
    Interrupt,
    /// `SIGTERM`, or the terminal is gone: `SIGHUP`; what tells the first process of a machine that the
    /// power fails: `SIGPWR`.
    Terminate,
    /// `SIGQUIT`: at once, without order or grace.
    Quit,
}

impl Interrupt {
    /// Returns the exit code once everything has stopped well.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Done,
            // 128 + 3, as a shell says for it.
            Self::Quit => Exit::Forwarded(131),
        }
    }
}

/// Takes the signals that end a verb.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// `None` for the first process, which has no terminal to lose.
    hangup: Option<Signal>,
    /// For the first process alone.
    power: Option<Signal>,
}

impl Signals {
    /// Takes them from now on.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn take() -> std::io::Result<Self> {
        let first = orphans::is_first();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup: if first { None } else { Some(signal(SignalKind::hangup())?) },
            power: if first { Some(signal(SignalKind::from_raw(libc::SIGPWR))?) } else { None },
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Interrupt,
            _ = self.terminate.recv() => Interrupt::Terminate,
            _ = self.quit.recv() => Interrupt::Quit,
            () = received(&mut self.hangup) => Interrupt::Terminate,
            () = received(&mut self.power) => Interrupt::Terminate,
        }
    }
}

/// Waits for a signal that may not be taken at all.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
