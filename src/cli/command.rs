//! The verbs, one file each; the doc comments of a verb's `Args` are its manual.

pub mod apply;
pub mod check;
pub mod completions;
pub mod config;
pub mod down;
pub mod events;
pub mod exec;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod logs;
pub mod man;
pub mod plan;
pub mod probe;
pub mod ps;
pub mod restart;
pub mod run;
pub mod scale;
pub mod schema;
pub mod signal;
pub mod start;
pub mod stop;
pub mod up;
pub mod version;
pub mod wait;
pub mod why;
