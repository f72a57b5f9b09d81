//! Probes: one file a kind, each one attempt at finding out how a service is.
//!
//! A probe does not know that its service is supervised; when to ask again and what an answer
//! means is the engine's.

pub mod file;
pub mod http;
pub mod tcp;
pub mod unix;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::SharedStr;
use crate::diagnostic::Span;

/// What a probe is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Has a slow starter come up at all? Holds liveness back.
    Startup,
    /// Can it do its work?
    Readiness,
    /// Is it alive?
    Liveness,
}

/// When a probe is asked and how many answers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The wait before the first attempt.
    pub delay: Duration,
    /// The wait between the end of one attempt and the next. `None`: until ready it grows from
    /// 100 ms to 2 s by a factor of 1.5, then it is 10 s.
    pub period: Option<Duration>,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How many failures in a row count as a failure.
    pub failures: u32,
    /// How many successes in a row count as a success.
    pub successes: u32,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it passed.
    pub passed: bool,
    /// What was seen, in a few words: `connection refused`, `HTTP 503`, `exit code 2`.
    pub detail: String,
}

impl Outcome {
    /// Makes the outcome of an attempt that passed.
    pub fn passed(detail: impl Into<String>) -> Self {
        Self { passed: true, detail: detail.into() }
    }

    /// Makes the outcome of an attempt that failed.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self { passed: false, detail: detail.into() }
    }

    /// Makes the outcome of an attempt that failed with an error of the kernel: `connection refused`.
    fn of_error(error: &io::Error) -> Self {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let mut letters = text.chars();
        let lower = letters.next().map(|first| first.to_lowercase().chain(letters).collect::<String>());
        Self::failed(lower.unwrap_or_default())
    }
}

/// What is asked, everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The service says so by `sd_notify`.
    Notify,
    /// The service writes a line to this descriptor (the convention of s6).
    Fd(u32),
    /// The service writes a line to its log that this regular expression matches.
    Log(SharedStr),
    /// A TCP connection to this address is accepted.
    Tcp(SharedStr),
    /// A connection to this Unix socket is accepted.
    Unix(PathBuf),
    /// An HTTP request is answered with a status in the range.
    Http(Http),
    /// This program, run in the service's environment, exits with 0.
    Exec(Exec),
    /// This path exists.
    File(PathBuf),
}

/// A program that is run on behalf of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments; a `shell` is `/bin/sh -c TEXT`.
    pub argv: Vec<SharedStr>,
    /// Where the program is written.
    pub span: Span,
}

/// An HTTP probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The host and port to connect to.
    pub authority: SharedStr,
    /// The path and query.
    pub path: SharedStr,
    /// Whether the URL is marked as one that is not to be shown.
    pub secret: bool,
    /// Further headers, in order.
    pub headers: Vec<(String, SharedStr)>,
    /// The lowest and the highest status that pass.
    pub status: (u16, u16),
}
