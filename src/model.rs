//! The typed model of a service file: one file a node, each with its rows, its rules, its tests.
//!
//! A model knows one service at a time; what concerns several is the graph's. It does not know the
//! machine it will run on.

pub mod change;
pub mod control;
pub mod decode;
pub mod effective;
pub mod event;
pub mod ignore;
pub mod layer;
pub mod limits;
pub mod logs;
pub mod merge;
pub mod node;
pub mod policy;
pub mod replica;
pub mod resolved;
pub mod schedule;
pub mod service;
pub mod socket;
pub mod template;
pub mod text;

pub use service::{Model, Service};
pub use text::Text;
