//! Log capture with real pipes and files.

mod fault;
mod pump;
mod support;
mod takeover;
