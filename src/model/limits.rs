//! Limits on what the processes of a service may use.

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

/// What a process can be limited in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// `nofile`: open descriptors.
    Descriptors,
    /// `nproc`: processes and threads of its user, whoever started them.
    Processes,
    /// `core`: the size of a core dump.
    Core,
    /// `stack`: the size of the stack of its main thread.
    Stack,
    /// `as`: the size of its address space.
    AddressSpace,
}

impl Resource {
    /// Every resource, with the property it is written as.
    pub const WORDS: &[(&str, Self)] = &[
        ("nofile", Self::Descriptors),
        ("nproc", Self::Processes),
        ("core", Self::Core),
        ("stack", Self::Stack),
        ("as", Self::AddressSpace),
    ];

    /// Returns the property it is written as.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|&&(_, resource)| resource == self).expect("WORDS lists every resource").0
    }
}

/// How much of something a process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// As much as there is.
    Unlimited,
    /// This number of things or bytes.
    To(u64),
}
