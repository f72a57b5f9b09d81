//! How a process ended.

use std::fmt;

use crate::base::Signal;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It returned from `main` or called `exit` with this code, 0 to 255.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// It is gone, and nobody could learn how: its parent died with the answer.
    Unknown,
}

impl ExitStatus {
    /// Returns whether the process ended by itself with code 0.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// Returns the code a shell would report: the code, 128 + the signal's number, or 255 when it
    /// is not known.
    pub const fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code as u8,
            Self::Signal(signal) => 128u8.wrapping_add(signal.number() as u8),
            Self::Unknown => 255,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::Unknown => f.write_str("exit status unknown"),
        }
    }
}
