//! The one door: the HTTP API on the project's socket, its wire types and its client.
//!
//! What goes over the socket has types of its own ([`wire`]), so that the engine can change without
//! breaking anyone who talks to it. Knows no user interface: what it says is said in [`words`], and
//! whoever shows it decides how.

mod aside;
pub mod client;
mod feed;
pub mod routes;
pub mod server;
mod show;
pub mod socket;
mod stream;
mod why;
pub mod wire;
pub mod words;

pub use client::{CallError, Client, ConnectError, EventStream};
pub use server::Server;
pub use socket::bind;
