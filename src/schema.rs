//! What may stand in a service file: tables, one row an option, that make structs, checking, decoding and docs.
//!
//! A table says for each node which arguments, properties and children it has; `nodes!` turns it
//! into a struct, the code that fills it and a description that can be walked. Nothing here knows any
//! particular option, and nothing stops at a mistake.

pub mod context;
pub mod print;
pub mod table;
pub mod value;
pub mod written;

pub use context::{Context, Foreign, Vocabulary};
pub use table::{Effect, FromNode, One, Row, RowKind, Spec};
pub use value::{Form, FromValue};
pub use written::{HIDDEN, Mask, WrittenEntry, WrittenNode, WrittenValue};

pub(crate) use table::nodes;
pub(crate) use value::words;
