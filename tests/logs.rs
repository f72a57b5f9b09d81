//! Log capture with real pipes and files.

mod fault;
mod pump;
mod pumps;
mod read;
mod send;
mod support;
mod takeover;
