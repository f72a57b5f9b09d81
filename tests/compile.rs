//! What the front end says about service files, right and wrong.
//!
//! `compile/err` and `compile/ok` hold files whose names say what they show; what is said about each is a
//! snapshot.

mod catalogue;
mod config;
mod defaults;
mod format;
mod guide;
mod long;
mod reference;
mod samples;
