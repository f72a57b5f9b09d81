//! The tree of a KDL document, in flat arrays.
//!
//! Nodes and entries lie in two vectors in source order; a node knows where its entries begin and
//! where its subtree ends, so that walking needs no pointers and dropping is free. A string is a
//! place in the text (or, when it had escapes, in a side table), so that a node takes 40 bytes and
//! an entry 36 whatever they hold. What was commented out with `/-` is not in the tree. Numbers
//! keep the text as it was written, because `3.10` is not `3.1` to a person.

use std::sync::Arc;

use crate::diagnostic::Span;

/// A value as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'d> {
    /// A string of any form, unescaped.
    String(&'d str),
    /// A number, as written: `0x10`, `1_000`, `3.10`, `#inf`. [`crate::syntax::number`] reads it.
    Number(&'d str),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
    /// Something that was already reported; nothing more is to be said about it.
    Bad,
}

/// What a [`Text`] is and where its characters are, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form(u32);

impl Form {
    const PAYLOAD: u32 = (1 << 29) - 1;
    const INSET: u32 = 0 << 29;
    const OWNED: u32 = 1 << 29;
    pub(crate) const NUMBER: Self = Self(2 << 29);
    pub(crate) const TRUE: Self = Self(3 << 29);
    pub(crate) const FALSE: Self = Self(4 << 29);
    pub(crate) const NULL: Self = Self(5 << 29);
    pub(crate) const BAD: Self = Self(6 << 29);
    const ABSENT: Self = Self(7 << 29);

    /// A string that stands in the text between delimiters of `bytes` bytes each.
    pub(crate) fn inset(bytes: usize) -> Self {
        Self::with(Self::INSET, bytes)
    }

    /// A string that had to be unescaped: its index in the side table.
    pub(crate) fn owned(index: usize) -> Self {
        Self::with(Self::OWNED, index)
    }

    /// A number too large for the payload can only come from a text of gigabytes of nothing but
    /// quotes; it becomes a bad value instead of a wrong one.
    fn with(tag: u32, payload: usize) -> Self {
        match u32::try_from(payload) {
            Ok(payload) if payload <= Self::PAYLOAD => Self(tag | payload),
            _ => Self::BAD,
        }
    }

    fn tag(self) -> u32 {
        self.0 & !Self::PAYLOAD
    }

    fn payload(self) -> usize {
        (self.0 & Self::PAYLOAD) as usize
    }

    /// Returns whether it is a string of any form.
    pub(crate) fn is_string(self) -> bool {
        matches!(self.tag(), Self::INSET | Self::OWNED)
    }
}

/// A literal: where it stands, delimiters included, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) span: Span,
    pub(crate) form: Form,
}

impl Text {
    /// No literal at all.
    pub(crate) const ABSENT: Self = Self { span: Span::new(0, 0), form: Form::ABSENT };

    pub(crate) fn is_absent(self) -> bool {
        self.form == Form::ABSENT
    }

    /// The same with as many others before its own in the side table.
    fn behind(self, owned: u32) -> Self {
        match self.form.tag() {
            Form::OWNED => Self { form: Form::owned(self.form.payload() + owned as usize), ..self },
            _ => self,
        }
    }
}

/// No type annotation.
pub(crate) const UNTYPED: u32 = u32::MAX;

/// No block.
const BLOCKLESS: u32 = u32::MAX;

/// What the array holds of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EntryData {
    pub(crate) key: Text,
    pub(crate) value: Text,
    pub(crate) ty: u32,
    pub(crate) span: Span,
}

/// What the array holds of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NodeData {
    pub(crate) name: Text,
    pub(crate) ty: u32,
    /// From the name (or its type annotation) to the last entry or the closing brace.
    pub(crate) span: Span,
    block: u32,
    first_entry: u32,
    /// The index behind the last node of the subtree.
    pub(crate) end: u32,
    /// Something in its head was already reported.
    pub(crate) broken: bool,
}

/// A whole document. It shares its text, so that it can be kept without a lifetime.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    text: Arc<str>,
    base: u32,
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) entries: Vec<EntryData>,
    pub(crate) types: Vec<Text>,
    pub(crate) owned: Vec<Box<str>>,
}

/// A node of a document: a cheap handle.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    document: &'d Document,
    index: u32,
}

/// An argument or a property of a node: a cheap handle.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'d> {
    document: &'d Document,
    data: &'d EntryData,
}

impl NodeData {
    /// Makes a node whose entries begin at `first_entry`.
    pub(crate) fn new(name: Text, ty: u32, span: Span, first_entry: usize) -> Self {
        Self { name, ty, span, block: BLOCKLESS, first_entry: first_entry as u32, end: 0, broken: false }
    }

    /// Returns where the entries begin.
    pub(crate) fn first_entry(&self) -> usize {
        self.first_entry as usize
    }

    /// Returns whether it has a block.
    pub(crate) fn has_block(&self) -> bool {
        self.block != BLOCKLESS
    }

    /// Returns whether its block is the one whose opening brace is at `at`.
    pub(crate) fn is_block(&self, at: u32) -> bool {
        self.block == at
    }

    /// Gives it the block whose opening brace is at `at`.
    pub(crate) fn set_block(&mut self, at: u32) {
        self.block = at;
    }
}

impl Document {
    /// Makes an empty document of a text whose first byte has the address `base`.
    pub(crate) fn new(text: Arc<str>, base: u32) -> Self {
        Self { text, base, nodes: Vec::new(), entries: Vec::new(), types: Vec::new(), owned: Vec::new() }
    }

    /// Adds what a document holds that was read from a later part of the same text.
    pub(crate) fn append(&mut self, later: Self) {
        let (nodes, entries) = (self.nodes.len() as u32, self.entries.len() as u32);
        let (types, owned) = (self.types.len() as u32, self.owned.len() as u32);
        let ty = |ty: u32| if ty == UNTYPED { UNTYPED } else { ty + types };
        self.nodes.extend(later.nodes.into_iter().map(|node| NodeData {
            name: node.name.behind(owned),
            ty: ty(node.ty),
            first_entry: node.first_entry + entries,
            end: node.end + nodes,
            ..node
        }));
        self.entries.extend(later.entries.into_iter().map(|entry| EntryData {
            key: entry.key.behind(owned),
            value: entry.value.behind(owned),
            ty: ty(entry.ty),
            ..entry
        }));
        self.types.extend(later.types.into_iter().map(|text| text.behind(owned)));
        self.owned.extend(later.owned);
    }

    /// Iterates over the nodes of the top level.
    pub fn nodes(&self) -> Siblings<'_> {
        Siblings { document: self, next: 0, end: self.nodes.len() as u32 }
    }

    /// Returns whether the document has no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the addresses of all bytes of the text, the end included.
    pub fn span(&self) -> Span {
        Span::new(self.base, self.base + self.text.len() as u32)
    }

    fn string(&self, text: Text) -> &str {
        if text.form.tag() == Form::OWNED {
            return &self.owned[text.form.payload()];
        }
        let inset = text.form.payload();
        let lo = (text.span.lo - self.base) as usize + inset;
        let hi = ((text.span.hi - self.base) as usize).saturating_sub(inset);
        self.text.get(lo..hi).unwrap_or_default()
    }

    fn annotation(&self, ty: u32) -> Option<(&str, Span)> {
        let text = *self.types.get(ty as usize)?;
        Some((self.string(text), text.span))
    }
}

impl<'d> Node<'d> {
    fn data(self) -> &'d NodeData {
        &self.document.nodes[self.index as usize]
    }

    /// Returns the name.
    pub fn name(self) -> &'d str {
        self.document.string(self.data().name)
    }

    /// Returns where the name is, quotes included.
    pub fn name_span(self) -> Span {
        self.data().name.span
    }

    /// Returns the type annotation and its place, without the parentheses.
    pub fn ty(self) -> Option<(&'d str, Span)> {
        self.document.annotation(self.data().ty)
    }

    /// Returns the whole node, from its name to its last entry or closing brace.
    pub fn span(self) -> Span {
        self.data().span
    }

    /// Returns the node without its block: name, arguments and properties.
    pub fn head_span(self) -> Span {
        let data = self.data();
        let last = self.entries().next_back().map_or(data.name.span, Entry::span);
        Span::new(data.span.lo, last.hi)
    }

    /// Returns the braces with what is between them, when the node has a block.
    pub fn block_span(self) -> Option<Span> {
        let data = self.data();
        data.has_block().then(|| Span::new(data.block, data.span.hi))
    }

    /// Returns whether something in the node's head was already reported, so that what seems to be
    /// missing from it may only have been lost.
    pub fn is_broken(self) -> bool {
        self.data().broken
    }

    /// Iterates over arguments and properties in source order.
    pub fn entries(self) -> impl DoubleEndedIterator<Item = Entry<'d>> + ExactSizeIterator + Clone {
        let Self { document, index } = self;
        let next = document.nodes.get(index as usize + 1);
        let end = next.map_or(document.entries.len(), NodeData::first_entry);
        document.entries[self.data().first_entry()..end].iter().map(move |data| Entry { document, data })
    }

    /// Iterates over the arguments.
    pub fn arguments(self) -> impl DoubleEndedIterator<Item = Entry<'d>> + Clone {
        self.entries().filter(|entry| entry.data.key.is_absent())
    }

    /// Iterates over the properties, duplicates included, with their names.
    pub fn properties(self) -> impl DoubleEndedIterator<Item = (&'d str, Entry<'d>)> + Clone {
        self.entries().filter_map(|entry| entry.key().map(|(key, _)| (key, entry)))
    }

    /// Iterates over the nodes in the block.
    pub fn children(self) -> Siblings<'d> {
        Siblings { document: self.document, next: self.index + 1, end: self.data().end }
    }
}

impl<'d> Entry<'d> {
    /// Returns the property's name and its place; `None` for an argument.
    pub fn key(self) -> Option<(&'d str, Span)> {
        let key = self.data.key;
        (!key.is_absent()).then(|| (self.document.string(key), key.span))
    }

    /// Returns the type annotation and its place, without the parentheses.
    pub fn ty(self) -> Option<(&'d str, Span)> {
        self.document.annotation(self.data.ty)
    }

    /// Returns the value.
    pub fn value(self) -> Value<'d> {
        let value = self.data.value;
        let span = value.span;
        let written = || {
            let at = |address: u32| (address - self.document.base) as usize;
            self.document.text.get(at(span.lo)..at(span.hi)).unwrap_or_default()
        };
        match value.form {
            Form::NUMBER => Value::Number(written()),
            Form::TRUE => Value::Bool(true),
            Form::FALSE => Value::Bool(false),
            Form::NULL => Value::Null,
            form if form.is_string() => Value::String(self.document.string(value)),
            _ => Value::Bad,
        }
    }

    /// Returns where the value is (quotes included, type annotation not).
    pub fn value_span(self) -> Span {
        self.data.value.span
    }

    /// Returns the whole entry.
    pub fn span(self) -> Span {
        self.data.span
    }
}

/// Iterates over nodes of one level.
#[derive(Clone, Debug)]
pub struct Siblings<'d> {
    document: &'d Document,
    next: u32,
    end: u32,
}

impl<'d> Iterator for Siblings<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { document: self.document, index: self.next };
        self.next = node.data().end;
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_entries_stay_small() {
        assert!(size_of::<NodeData>() <= 44, "{}", size_of::<NodeData>());
        assert!(size_of::<EntryData>() <= 36, "{}", size_of::<EntryData>());
    }
}
