//! The one door: the HTTP API on the project's socket, its wire types and its client.
//!
//! What goes over the socket has types of its own ([`wire`]), so that the engine can change without
//! breaking anyone who talks to it. Knows no user interface: what it says is put into words here, and
//! whoever shows it decides how.

pub mod client;
pub mod wire;

pub use client::{CallError, Client, ConnectError, EventStream};
