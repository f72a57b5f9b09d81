//! Limits: of a process, setrlimit(2), and of all processes of a service together.

use crate::base::Size;

/// A limit of a process, which it passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// The limit in force.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}

impl Limit {
    /// What the kernel takes for no limit.
    pub const UNLIMITED: u64 = u64::MAX;

    /// Makes a limit on open descriptors.
    pub const fn descriptors((soft, hard): (u64, u64)) -> Self {
        Self { resource: Resource::Descriptors, soft, hard }
    }

    /// Makes a limit that a process cannot raise.
    pub const fn fixed(resource: Resource, bound: Bound) -> Self {
        let number = match bound {
            Bound::Unlimited => Self::UNLIMITED,
            Bound::To(number) => number,
        };
        Self { resource, soft: number, hard: number }
    }
}

/// What all processes of a service may use together; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Memory.
    pub memory: Option<Size>,
    /// Time of processors: microseconds in each [`Shares::PERIOD`].
    pub cpu: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u32>,
}

impl Shares {
    /// What a share of the processors is counted in, in microseconds: 100 ms.
    pub const PERIOD: u64 = 100_000;

    /// Returns the time of so many processors.
    pub fn of_processors(number: f64) -> u64 {
        // The kernel takes no less than a millisecond.
        ((number * Self::PERIOD as f64).round() as u64).max(1000)
    }
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
    /// Every resource, in the order of their numbers in the guard's protocol.
    pub const ALL: &[Self] =
        &[Self::Descriptors, Self::Processes, Self::Core, Self::Stack, Self::AddressSpace];

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
