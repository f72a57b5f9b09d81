//! What tests share: plans made by hand, and a temporary project on the real binary.

pub(crate) mod plan;
pub(crate) mod project;
