//! The small parent process: spawns, reaps, and holds what must outlive the engine.

pub mod channel;
pub mod client;
pub mod codec;
pub mod protocol;

pub use client::GuardLink;
