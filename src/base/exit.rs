//! How a process ended.

use std::fmt;

use crate::base::{Signal, Size};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It returned from `main` or called `exit` with this code, 0 to 255.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// The kernel killed it, or what it could not be without, for want of memory.
    OutOfMemory {
        /// How much all processes of its service may have, when that was what they ran into.
        limit: Option<Size>,
    },
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
            // As for any SIGKILL, which it was.
            Self::OutOfMemory { .. } => 137,
            Self::Unknown => 255,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::OutOfMemory { limit: Some(limit) } => {
                write!(f, "killed by the kernel: out of memory (limit {limit})")
            }
            Self::OutOfMemory { limit: None } => f.write_str("killed by the kernel: out of memory"),
            Self::Unknown => f.write_str("exit status unknown"),
        }
    }
}
