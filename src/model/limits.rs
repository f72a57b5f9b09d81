//! Limits on what the processes of a service may use.

pub use crate::base::limit::{Bound, Resource};

use crate::base::Size;
use crate::diagnostic::{Span, Spanned};

/// What the processes of a service may use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// How much memory all of its processes may have together.
    pub memory: Option<Spanned<Size>>,
    /// How many processors all of its processes may keep busy; `0.5` is half of one.
    pub cpu: Option<Spanned<f64>>,
    /// How many processes and threads it may have.
    pub pids: Option<Spanned<u32>>,
    /// What each of its processes may use by itself.
    pub process: Vec<ProcessLimit>,
}

/// A limit that a process has by itself and passes on: setrlimit(2). Soft and hard limit are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimit {
    /// What is limited.
    pub resource: Resource,
    /// To what.
    pub bound: Bound,
    /// Where that is written.
    pub span: Span,
}
