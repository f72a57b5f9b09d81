//! The identity of one life of one process.

use std::fmt;

/// One life of one process of an instance.
///
/// Numbers are given out by the engine and never used twice within a project's supervision, so an
/// event that carries an old one can be told from an event about the process that runs now. A
/// process id is no such thing: the kernel gives it out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invocation(pub u64);

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
