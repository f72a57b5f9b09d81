//! The verbs, one file each; the doc comments of a verb's `Args` are its manual.

pub mod version;
