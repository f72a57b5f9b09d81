//! What tests share: a temporary project, a child that obeys a script, plans made by hand.

pub(crate) mod plan;
