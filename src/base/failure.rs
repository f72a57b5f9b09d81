//! Why a process could not be started: the step that failed and the kernel's answer.

use std::fmt;

/// The steps between the decision to launch and the first instruction of the program, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Opening the log file or making its pipe.
    Log,
    /// Opening the sockets that are passed to it.
    Listen,
    /// Making the child process.
    Fork,
    /// Making its control group, or entering it.
    Cgroup,
    /// Starting a session and process group of its own.
    Session,
    /// Setting resource limits.
    Limits,
    /// Setting the priority for the processor.
    Priority,
    /// Setting supplementary groups and the group.
    Group,
    /// Setting the user.
    User,
    /// Entering the working directory.
    WorkingDirectory,
    /// Arranging the file descriptors.
    Descriptors,
    /// Executing the program.
    Exec,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &[Self] = &[
        Self::Log,
        Self::Listen,
        Self::Fork,
        Self::Cgroup,
        Self::Session,
        Self::Limits,
        Self::Priority,
        Self::Group,
        Self::User,
        Self::WorkingDirectory,
        Self::Descriptors,
        Self::Exec,
    ];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "opening the log",
            Self::Listen => "listening for it",
            Self::Fork => "making the process",
            Self::Cgroup => "entering its control group",
            Self::Session => "starting a session",
            Self::Limits => "setting resource limits",
            Self::Priority => "setting the priority",
            Self::Group => "setting the group",
            Self::User => "setting the user",
            Self::WorkingDirectory => "entering the working directory",
            Self::Descriptors => "arranging file descriptors",
            Self::Exec => "executing",
        })
    }
}

/// A launch that did not reach the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnFailure {
    /// The step that failed.
    pub stage: Stage,
    /// The kernel's error number.
    pub errno: i32,
}

impl fmt::Display for SpawnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, std::io::Error::from_raw_os_error(self.errno))
    }
}
