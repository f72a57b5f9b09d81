//! The nodes of a service file: one file a subject, each with its rows.

pub mod command;
pub mod dependency;
pub mod env;
mod foreign;
pub mod port;
pub mod probe;
pub mod settings;
pub mod top;
pub mod value;
pub mod vocabulary;
