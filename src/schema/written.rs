//! What was decoded, written down again: the tables read backwards.
//!
//! The settings that are in force are turned into nodes here, by the same rows that read them, so that there is
//! no second list of options; each value still knows where it comes from.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Span, Spanned};

/// A node to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenNode {
    /// Its name.
    pub name: String,
    /// Where it comes from: the head of the node that says it.
    pub span: Span,
    /// Its arguments and properties, in order.
    pub entries: Vec<WrittenEntry>,
    /// Its block.
    pub children: Vec<WrittenNode>,
}

/// An argument, or a property, which has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenEntry {
    /// The name of the property.
    pub key: Option<String>,
    /// The value.
    pub value: WrittenValue,
    /// Where it comes from.
    pub span: Span,
    /// What is shown instead of it, when it is not to be shown.
    pub mask: Option<Mask>,
}

/// What stands for a value that is not to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// A text that is marked: `(secret)"***"`.
    Marked(&'static str),
    /// A text that is read where only texts of a certain form are, and cannot be marked.
    Plain(&'static str),
}

/// What is shown of a text that is not to be shown.
pub const HIDDEN: &str = "***";

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenValue {
    /// A text.
    Text(String),
    /// A path, and the folder it is relative to.
    Path(String, Arc<Path>),
    /// A number, in its digits.
    Number(String),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
}

impl WrittenNode {
    /// Begins a node that has nothing but a name.
    pub fn new(name: impl Into<String>, span: Span) -> Self {
        Self { name: name.into(), span, entries: Vec::new(), children: Vec::new() }
    }

    /// Adds an argument.
    pub fn argument<T: crate::schema::FromValue>(&mut self, value: &Spanned<T>) {
        self.entry(None, &value.value, value.span);
    }

    /// Adds a property.
    pub fn property<T: crate::schema::FromValue>(&mut self, key: &str, value: &Spanned<T>) {
        self.entry(Some(key), &value.value, value.span);
    }

    /// Adds an argument or a property.
    pub fn entry<T: crate::schema::FromValue>(&mut self, key: Option<&str>, value: &T, span: Span) {
        let (mask, value) = (value.mask(), value.to_value());
        self.entries.push(WrittenEntry { key: key.map(str::to_owned), value, span, mask });
    }

    /// Takes out of it, and out of its block, what is not to be shown.
    pub fn hide(&mut self) {
        for WrittenEntry { value, mask, .. } in &mut self.entries {
            if let Some(Mask::Marked(text) | Mask::Plain(text)) = mask {
                *value = WrittenValue::Text((*text).to_owned());
            }
        }
        self.children.iter_mut().for_each(Self::hide);
    }

    /// Adds a node to its block.
    pub fn child<T: crate::schema::FromNode>(&mut self, name: &str, node: &T) {
        let mut child = Self::new(name, node.span());
        node.write(&mut child);
        self.children.push(child);
    }
}
