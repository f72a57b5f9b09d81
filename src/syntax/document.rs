//! The tree of a KDL document, in flat arrays.
//!
//! Nodes and entries lie in two vectors in source order; a node knows the range of its entries and
//! the end of its subtree, so that walking needs no pointers and dropping is free. What was
//! commented out with `/-` is not in the tree. Values keep the text as it was written, because
//! `3.10` is not `3.1` to a person.

use std::borrow::Cow;

use crate::diagnostic::Span;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'t> {
    /// A string of any form, unescaped. Borrowed from the text where nothing had to be unescaped.
    String(Cow<'t, str>),
    /// A number, as written: `0x10`, `1_000`, `3.10`, `#inf`.
    Number(&'t str),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
    /// Something that was already reported; nothing more is to be said about it.
    Bad,
}

/// An argument or a property of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'t> {
    /// The property's name and its place; `None` for an argument.
    pub key: Option<(Cow<'t, str>, Span)>,
    /// The type annotation and its place, without the parentheses.
    pub ty: Option<(Cow<'t, str>, Span)>,
    /// The value.
    pub value: Value<'t>,
    /// Where the value is (quotes included, type annotation not).
    pub value_span: Span,
    /// The whole entry.
    pub span: Span,
}

/// What the arrays hold of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeData<'t> {
    pub(crate) name: Cow<'t, str>,
    pub(crate) name_span: Span,
    pub(crate) ty: Option<(Cow<'t, str>, Span)>,
    /// From the name (or its type annotation) to the last entry or the closing brace.
    pub(crate) span: Span,
    /// The braces with what is between them.
    pub(crate) block: Option<Span>,
    pub(crate) first_entry: u32,
    pub(crate) end_entry: u32,
    /// The index behind the last node of the subtree.
    pub(crate) end: u32,
    /// Something in its head was already reported.
    pub(crate) broken: bool,
}

/// A whole document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document<'t> {
    pub(crate) nodes: Vec<NodeData<'t>>,
    pub(crate) entries: Vec<Entry<'t>>,
}

/// A node of a document: a cheap handle.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d, 't> {
    document: &'d Document<'t>,
    index: u32,
}

impl<'t> Document<'t> {
    /// Iterates over the nodes of the top level.
    pub fn nodes<'d>(&'d self) -> Siblings<'d, 't> {
        Siblings { document: self, next: 0, end: self.nodes.len() as u32 }
    }

    /// Returns whether the document has no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl<'d, 't> Node<'d, 't> {
    fn data(self) -> &'d NodeData<'t> {
        &self.document.nodes[self.index as usize]
    }

    /// Returns the name.
    pub fn name(self) -> &'d str {
        &self.data().name
    }

    /// Returns where the name is, quotes included.
    pub fn name_span(self) -> Span {
        self.data().name_span
    }

    /// Returns the type annotation and its place, without the parentheses.
    pub fn ty(self) -> Option<(&'d str, Span)> {
        self.data().ty.as_ref().map(|(ty, span)| (&**ty, *span))
    }

    /// Returns the whole node, from its name to its last entry or closing brace.
    pub fn span(self) -> Span {
        self.data().span
    }

    /// Returns the node without its block: name, arguments and properties.
    pub fn head_span(self) -> Span {
        let data = self.data();
        let last = self.entries().last().map_or(data.name_span, |entry| entry.span);
        Span::new(data.span.lo, last.hi)
    }

    /// Returns the braces with what is between them, when the node has a block.
    pub fn block_span(self) -> Option<Span> {
        self.data().block
    }

    /// Returns whether something in the node's head was already reported, so that what seems to be
    /// missing from it may only have been lost.
    pub fn is_broken(self) -> bool {
        self.data().broken
    }

    /// Returns arguments and properties in source order.
    pub fn entries(self) -> &'d [Entry<'t>] {
        let data = self.data();
        &self.document.entries[data.first_entry as usize..data.end_entry as usize]
    }

    /// Iterates over the arguments.
    pub fn arguments(self) -> impl Iterator<Item = &'d Entry<'t>> {
        self.entries().iter().filter(|entry| entry.key.is_none())
    }

    /// Iterates over the properties, duplicates included, with their names.
    pub fn properties(self) -> impl Iterator<Item = (&'d str, &'d Entry<'t>)> {
        self.entries().iter().filter_map(|entry| entry.key.as_ref().map(|(key, _)| (&**key, entry)))
    }

    /// Iterates over the nodes in the block.
    pub fn children(self) -> Siblings<'d, 't> {
        Siblings { document: self.document, next: self.index + 1, end: self.data().end }
    }
}

/// Iterates over nodes of one level.
#[derive(Clone, Debug)]
pub struct Siblings<'d, 't> {
    document: &'d Document<'t>,
    next: u32,
    end: u32,
}

impl<'d, 't> Iterator for Siblings<'d, 't> {
    type Item = Node<'d, 't>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { document: self.document, index: self.next };
        self.next = node.data().end;
        Some(node)
    }
}
