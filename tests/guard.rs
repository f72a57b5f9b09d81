//! The guard with real processes.

mod exits;
mod launch;
mod rig;
mod takeover;
