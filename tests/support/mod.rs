//! What tests share: plans made by hand, a temporary project on the real binary, a terminal to run it on.

pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod schema;
pub(crate) mod terminal;
