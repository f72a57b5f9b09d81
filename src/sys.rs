//! Every raw system call and every unsafe line.
//!
//! Thin and typed: a function does one thing, returns `io::Result` and knows nothing of services. nix
//! and rustix where they have a safe wrapper; libc where they do not or where theirs does not fit.
#![expect(
    unsafe_code,
    reason = "the one room that talks to the kernel directly; each block says why it is sound"
)]

pub mod cgroup;
pub mod descriptors;
pub mod launch;
pub mod machine;
pub mod memory;
pub mod pipe;
pub mod process;
pub mod signals;
pub mod socket;
pub mod watch;
