//! The nodes of a service file: one file a subject, each with its rows.

pub mod change;
pub mod command;
pub mod control;
pub mod dependency;
pub mod env;
mod foreign;
pub mod label;
pub mod limits;
pub mod listen;
pub mod listener;
pub mod logs;
pub mod port;
pub mod probe;
pub mod process;
pub mod schedule;
pub mod settings;
pub mod top;
pub mod value;
pub mod vocabulary;
