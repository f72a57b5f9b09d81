//! KDL 2 text to [`Document`]: our own resilient reader.
//!
//! Reading never fails: it returns a tree and pushes what is wrong. It uses no recursion, is linear
//! on every input, and knows nothing of services. It reads KDL 2.0 and, beyond it, refuses two
//! spellings that KDL accepts and nobody means: a node name that ends with a colon, and a text in
//! single quotes.

pub mod code;
pub mod document;
mod entry;
pub mod format;
pub mod include;
mod lexer;
pub mod number;
mod parser;
pub mod readable;
mod string;
pub mod write;

pub use document::{Document, Entry, Node, Value};
pub use include::{Loader, Sources, load};
pub use parser::{MAX_DEPTH, parse};
