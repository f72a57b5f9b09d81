//! The guard with real processes.

mod exits;
mod groups;
mod launch;
mod rig;
mod takeover;
