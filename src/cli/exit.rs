//! Exit codes: what a script learns from a verb.

use std::process::ExitCode;

/// How a verb ended, as the caller of svc sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is in the state asked for: 0.
    Done,
    /// The operation failed: a service failed, gave up or is unhealthy: 1.
    Failed,
    /// The command line cannot be understood: 2.
    Usage,
    /// `ps` and `wait`: something asked for is not ready or not running: 3.
    NotReady,
    /// The service is not known, or no supervisor runs for this project: 4.
    Absent,
    /// The service file is invalid; nothing was started: 78, `EX_CONFIG` of sysexits.h.
    Invalid,
    /// `--timeout` ran out: 124, as timeout(1) does.
    TimedOut,
    /// A foreground `up` was ended by Ctrl-C and everything stopped: 130, as a shell says for `SIGINT`.
    Interrupted,
    /// The end of a service asked for the project's shutdown, and its code is passed on.
    Forwarded(u8),
}

impl Exit {
    /// Returns the number the process exits with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotReady => 3,
            Self::Absent => 4,
            Self::Invalid => 78,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Forwarded(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a verb could not do what was asked: words for the person, a code for the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The code svc exits with.
    pub exit: Exit,
    /// What is wrong: lower case, no full stop, the thing in backticks. Empty when it was said already.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Trouble {
    /// Makes a trouble with its words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Makes a trouble of a system failure with all its causes: `cannot lock `x`: permission denied`.
    pub fn of(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self::new(Exit::Failed, message)
    }
}

impl From<std::io::Error> for Trouble {
    /// A reader of our output that went away is not a trouble: the verb ends quietly.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::of(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Trouble::from(gone), Trouble::new(Exit::Done, ""));
    }

    #[test]
    fn a_trouble_names_every_cause() {
        let error = crate::runtime::project::ProjectError::File {
            file: "x.kdl".into(),
            source: std::io::Error::from_raw_os_error(2),
        };
        assert_eq!(
            Trouble::of(&error).message,
            "cannot find `x.kdl`: No such file or directory (os error 2)"
        );
    }
}
