//! KDL 2 text to [`Document`]: our own resilient reader.
//!
//! Reading never fails: it returns a tree and pushes what is wrong. It uses no recursion, is linear
//! on every input, and knows nothing of services.

pub mod document;

pub use document::{Document, Entry, Node, Value};
