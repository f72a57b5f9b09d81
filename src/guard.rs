//! The small parent process: spawns, reaps, and holds what must outlive the engine.
//!
//! It has no parser, no policy, no HTTP and one thread. It starts the engine and starts it again when it
//! dies; the services are its children, not the engine's, and their exits wait here, numbered, until an
//! engine has acknowledged them (`protocol`). What it knows of a service is what it takes to launch it and
//! a tag it does not read.
//!
//! `svc up` calls [`start::start`], `main` calls [`start::main`], the engine calls [`start::inherited`] and goes
//! on with a [`GuardLink`].

mod census;
mod channel;
pub mod client;
mod codec;
mod engine_process;
mod events;
mod groups;
mod lives;
pub mod protocol;
mod search;
mod serve;
pub mod start;

pub use client::GuardLink;
