//! The integration tests: one binary, one module a room.

mod cli;
mod compile;
mod control;
mod diagnostic;
mod engine;
mod examples;
mod fmt;
mod graph;
mod guard;
mod guide;
mod hostile;
mod logs;
mod support;
mod syntax;
mod tidy;
mod up;
mod vm;
