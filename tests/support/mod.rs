//! What tests share: plans made by hand, a temporary project on the real binary, service files made from
//! the tables, a terminal to run it on.

pub(crate) mod grammar;
pub(crate) mod meaning;
pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod schema;
pub(crate) mod terminal;
