//! Characters to a tree: nodes, their entries, their blocks.
//!
//! Blocks lie on a stack of their own, so nesting costs no call stack. Every mistake is reported and
//! stepped over; the tree goes on behind it. Braces are believed as they stand. Only when they do not
//! add up is the text read a second time, this time believing the indentation as well, so that the
//! brace that is missing or too many is found and the rest keeps its place.

mod halves;
#[cfg(test)]
mod linear;

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::syntax::code;
use crate::syntax::document::{Document, Form, NodeData, Text, UNTYPED};
use crate::syntax::lexer::{Lexer, step};

/// How deep blocks may be nested; what lies deeper is checked and left out of the tree.
pub const MAX_DEPTH: usize = 128;

/// How many blocks are searched for one whose indentation a closing brace shares.
const INDENT_SEARCH: usize = 256;

/// Reads a text whose first byte has the address `base`. What is wrong goes to `diagnostics`; the
/// tree holds what could be read.
pub fn parse(text: &Arc<str>, base: u32, diagnostics: &mut Diagnostics) -> Document {
    if let Some(document) = halves::parse(text, base) {
        return document;
    }
    let mut parser = Parser::new(text, base, Trust::default());
    parser.document();
    let trust = Trust { missing: parser.missing, stray: parser.stray };
    if trust != Trust::default() && !parser.lexer.swallowed {
        parser = Parser::new(text, base, trust);
        parser.document();
    }
    diagnostics.append(parser.lexer.findings);
    parser.document
}

/// Which kinds of brace mistakes the indentation is asked about.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Trust {
    missing: bool,
    stray: bool,
}

/// What blocks a node has had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocks {
    None,
    CommentedOut,
    Real,
}

/// A node that is being read.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) node: usize,
    pub(super) commented: bool,
    pub(super) blocks: Blocks,
}

/// A block that is being read.
struct Frame {
    owner: Open,
    brace: usize,
    /// The indentation of the line the block's node starts on.
    indent: usize,
    /// The indentation of its first line that holds a node.
    inner: Option<usize>,
    line: usize,
    /// What the arrays held before the block, when its content is to be dropped.
    mark: Option<(usize, usize)>,
}

pub(super) struct Parser<'t> {
    pub(super) lexer: Lexer<'t>,
    pub(super) document: Document,
    stack: Vec<Frame>,
    /// The last node of the level that is being read, when it ended without a block.
    last: Option<usize>,
    /// The indentation of the current line.
    indent: usize,
    /// Blanks were skipped while looking ahead.
    pub(super) spaced: bool,
    trust: Trust,
    missing: bool,
    stray: bool,
    too_deep: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t Arc<str>, base: u32, trust: Trust) -> Self {
        Self::of_part(text, 0..text.len(), base, trust)
    }

    /// Makes one that reads a part of the text only, as if nothing stood around it.
    fn of_part(text: &'t Arc<str>, part: Range<usize>, base: u32, trust: Trust) -> Self {
        let mut document = Document::new(text.clone(), base);
        document.nodes.reserve(text.len() / 32);
        document.entries.reserve(text.len() / 20);
        Self {
            lexer: Lexer::new(&text[part.clone()], base + part.start as u32),
            document,
            stack: Vec::new(),
            last: None,
            indent: 0,
            spaced: false,
            trust,
            missing: false,
            stray: false,
            too_deep: false,
        }
    }

    fn document(&mut self) {
        loop {
            self.lexer.lines();
            let fresh = self.lexer.fresh;
            if fresh {
                self.indent = self.lexer.at - self.lexer.line_start;
            }
            self.lexer.fresh = false;
            match self.lexer.peek() {
                None => break,
                Some(b'}') => self.closing_brace(fresh),
                Some(b'{') => self.block_on_next_line(),
                Some(b';') => self.stray_semicolon(),
                Some(b'[') if fresh && self.stack.is_empty() && self.section() => {}
                Some(_) => self.node(fresh),
            }
        }
        self.end();
    }

    fn end(&mut self) {
        self.missing |= !self.stack.is_empty();
        let open = self.stack.len();
        if let Some(frame) = self.stack.last().filter(|_| !self.lexer.swallowed) {
            let span = self.lexer.span(frame.brace, frame.brace + 1);
            let help = match open {
                1 => "add a `}` at the end of the block".to_owned(),
                _ => format!("add a `}}`; the file ends with {open} blocks still open"),
            };
            let error = Diagnostic::error(code::UNCLOSED_BLOCK, span, "this `{` is never closed").help(help);
            self.lexer.report(usize::MAX, error);
        }
        while let Some(frame) = self.stack.pop() {
            let owner = self.leave(frame);
            self.finish(owner);
        }
    }

    /// Reads `[program:web]`, which begins a section in an INI file, and steps over what stands in it. Nothing
    /// more is said about that: it is right in its own format.
    fn section(&mut self) -> bool {
        let start = self.lexer.at;
        let line = self.line_from(start);
        let Some(inside) = line.trim_end().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return false;
        };
        let name = inside.split_once(':').map_or("NAME", |(_, name)| name).trim();
        let error = Diagnostic::error(
            code::UNEXPECTED_CHARACTER,
            self.lexer.span(start, start + line.trim_end().len()),
            "a section in brackets is how INI files are written; this is KDL",
        )
        .here("what follows it is not read")
        .help(format!(
            "write `service {:?} {{ … }}`, with a line for each option",
            crate::syntax::string::shown(name)
        ));
        self.lexer.at = start + line.len();
        self.skip_lines(|line| {
            line.contains('=') || line.trim().is_empty() || line.starts_with([';', '#', ' ', '\t'])
        });
        self.lexer.report(self.lexer.at, error);
        true
    }

    /// Steps over what stands, in YAML, in the block of a node with a colon: the lines that are indented deeper.
    fn yaml_block(&mut self) {
        let indent = self.indent;
        self.skip_lines(|line| line.trim().is_empty() || belongs_below(line, indent));
    }

    /// Returns whether nothing follows on this line, and the next one is indented as a block in YAML is.
    pub(super) fn yaml_block_follows(&self) -> bool {
        let end = self.lexer.skip_blanks(self.lexer.at);
        let newline = self.lexer.newline(end);
        let line = if newline > 0 { self.line_from(end + newline) } else { "" };
        !line.trim().is_empty() && belongs_below(line, self.indent)
    }

    /// The rest of the line from `at`.
    fn line_from(&self, at: usize) -> &'t str {
        let end =
            memchr::memchr(b'\n', &self.lexer.bytes[at..]).map_or(self.lexer.bytes.len(), |end| at + end);
        step(end - at);
        &self.lexer.text[at..end]
    }

    /// Steps over whole lines, from the end of this one on, as long as they are like that.
    fn skip_lines(&mut self, like_that: impl Fn(&str) -> bool) {
        while self.lexer.at + 1 < self.lexer.bytes.len() && self.lexer.byte(self.lexer.at) == b'\n' {
            let line = self.line_from(self.lexer.at + 1);
            if !like_that(line) {
                return;
            }
            self.lexer.at += 1 + line.len();
        }
    }

    fn node(&mut self, fresh: bool) {
        if fresh {
            self.outdent();
        }
        let commented = self.slashdash(true);
        let lo = self.lexer.at;
        if commented && matches!(self.lexer.peek(), None | Some(b'}' | b';' | b'{')) {
            self.nothing_commented(lo);
            return;
        }
        let ty = self.annotation();
        if self.lexer.at > lo {
            self.lexer.blanks();
        }
        let (name, good) = self.node_name();
        let span = self.lexer.span(lo, self.lexer.at);
        let node = self.document.nodes.len();
        let first_entry = self.document.entries.len();
        let mut data = NodeData::new(name, ty, span, first_entry);
        data.broken = !good || ty == UNTYPED && self.lexer.byte(lo) == b'(';
        let bare = name.span.hi < self.lexer.base + self.lexer.at as u32;
        let yaml =
            fresh && good && bare && self.lexer.byte(self.lexer.at - 1) == b':' && self.yaml_block_follows();
        data.broken |= yaml;
        self.document.nodes.push(data);
        self.equals_after_name(node);
        self.tail(Open { node, commented: commented || !good, blocks: Blocks::None });
        if yaml {
            self.yaml_block();
        }
    }

    /// Reads entries and blocks of a node, up to its end or to the inside of a block.
    fn tail(&mut self, mut open: Open) {
        loop {
            let spaced = self.lexer.blanks() | std::mem::take(&mut self.spaced);
            match self.lexer.peek() {
                None | Some(b'\n' | b'\r' | b'}' | b'\x0b' | b'\x0c') => return self.finish(open),
                Some(b';') => {
                    self.lexer.at += 1;
                    return self.finish(open);
                }
                Some(b'/') if self.lexer.byte(self.lexer.at + 1) == b'/' => return self.finish(open),
                Some(b'/') if self.lexer.byte(self.lexer.at + 1) == b'-' => {
                    self.missing_space(spaced);
                    if self.commented_part(&mut open) {
                        return;
                    }
                }
                Some(b'{') => {
                    if open.blocks == Blocks::Real {
                        self.after_block("a node has one block");
                    }
                    return self.enter(open, open.blocks == Blocks::Real);
                }
                Some(_) if self.lexer.at_line_end(self.lexer.at) => return self.finish(open),
                Some(_) => {
                    if open.blocks == Blocks::Real {
                        self.after_block("a new line or `;` is missing behind this block");
                        return self.finish(open);
                    }
                    if open.blocks == Blocks::CommentedOut {
                        self.after_block(
                            "arguments and properties stand before the block, also before one behind `/-`",
                        );
                        self.document.nodes[open.node].broken = true;
                        open.blocks = Blocks::None;
                    }
                    self.missing_space(spaced);
                    self.entry(open.node);
                }
            }
        }
    }

    /// Reads what stands behind `/-` in a node; returns whether it is a block, which was entered.
    fn commented_part(&mut self, open: &mut Open) -> bool {
        self.slashdash(false);
        match self.lexer.peek() {
            Some(b'{') => {
                if open.blocks == Blocks::None {
                    open.blocks = Blocks::CommentedOut;
                }
                self.enter(*open, true);
                return true;
            }
            None | Some(b'}' | b';') => self.nothing_commented(self.lexer.at),
            Some(_) => {
                if open.blocks != Blocks::None {
                    self.after_block(
                        "arguments and properties stand before the block, also those behind `/-`",
                    );
                }
                let entries = self.document.entries.len();
                self.entry(open.node);
                self.document.entries.truncate(entries);
            }
        }
        false
    }

    /// Steps over `/-` and the lines behind it.
    fn slashdash(&mut self, line_start: bool) -> bool {
        if !self.lexer.starts_with(b"/-") {
            return false;
        }
        self.lexer.at += 2;
        self.lexer.lines();
        self.lexer.fresh = false;
        if line_start && self.lexer.starts_with(b"/-") {
            self.nothing_commented(self.lexer.at);
            return self.slashdash_again();
        }
        true
    }

    /// Steps over further `/-`, of which the first was reported.
    fn slashdash_again(&mut self) -> bool {
        while self.lexer.starts_with(b"/-") {
            self.lexer.at += 2;
            self.lexer.lines();
        }
        self.lexer.fresh = false;
        true
    }

    fn nothing_commented(&mut self, at: usize) {
        let span = self.lexer.span(at.saturating_sub(2), at);
        let error =
            Diagnostic::error(code::BAD_SLASHDASH, span, "there is nothing here that `/-` could comment out")
                .help("`/-` stands before a node, an argument, a property or a block");
        self.lexer.report(at, error);
    }

    fn enter(&mut self, owner: Open, dropped: bool) {
        let brace = self.lexer.at;
        self.lexer.at += 1;
        let deep = self.stack.len() >= MAX_DEPTH;
        if deep && !self.too_deep {
            self.too_deep = true;
            let span = self.lexer.span(brace, brace + 1);
            let message = format!("blocks are nested more than {MAX_DEPTH} deep");
            let error = Diagnostic::error(code::TOO_DEEP, span, message).help("what is deeper is not read");
            self.lexer.report(brace + 1, error);
        }
        if !dropped {
            let at = self.lexer.span(brace, brace).lo;
            self.document.nodes[owner.node].set_block(at);
        }
        let mark = (dropped || deep).then_some((self.document.nodes.len(), self.document.entries.len()));
        let owner = if dropped { owner } else { Open { blocks: Blocks::Real, ..owner } };
        let line = self.lexer.line_start;
        self.stack.push(Frame { owner, brace, indent: self.indent, inner: None, line, mark });
        self.last = None;
    }

    /// Takes a block off the stack's top and returns the node it belongs to.
    fn leave(&mut self, frame: Frame) -> Open {
        if let Some((nodes, entries)) = frame.mark {
            self.document.nodes.truncate(nodes);
            self.document.entries.truncate(entries);
        }
        self.indent = frame.indent;
        let node = &mut self.document.nodes[frame.owner.node];
        if node.is_block(self.lexer.base + frame.brace as u32) {
            node.span.hi = node.span.hi.max(self.lexer.base + self.lexer.at as u32);
        }
        frame.owner
    }

    /// Ends a node: closes its subtree, or drops it when it was commented out.
    fn finish(&mut self, open: Open) {
        let nodes = self.document.nodes.len();
        let entries = self.document.entries.len();
        let node = &mut self.document.nodes[open.node];
        node.end = nodes as u32;
        if open.blocks != Blocks::Real && entries > node.first_entry() {
            node.span.hi = self.document.entries[entries - 1].span.hi.max(node.span.hi);
        }
        if open.commented {
            let first_entry = node.first_entry();
            self.document.nodes.truncate(open.node);
            self.document.entries.truncate(first_entry);
        }
        self.last = (open.blocks == Blocks::None && !open.commented).then_some(open.node);
    }

    /// Closes the blocks that a line of lesser indentation shows to be unclosed.
    fn outdent(&mut self) {
        while let Some(frame) = self.stack.last_mut() {
            if frame.line == self.lexer.line_start {
                return;
            }
            let inner = *frame.inner.get_or_insert(self.indent);
            let first = inner == self.indent && inner <= frame.indent;
            let outside =
                self.indent <= frame.indent && (inner > frame.indent || first && self.sibling_starts());
            if !self.trust.missing || !outside {
                return;
            }
            let end = self.lexer.word_end(self.lexer.at).max(self.lexer.at + 1).min(self.lexer.bytes.len());
            let here = self.lexer.span(self.lexer.at, self.lexer.at.max(end));
            self.unclosed_block(here, "this line is indented like what stands outside of the block");
        }
    }

    /// Returns whether the node that starts here has the name of the one whose block is open.
    fn sibling_starts(&self) -> bool {
        let Some(frame) = self.stack.last() else { return false };
        let span = self.document.nodes[frame.owner.node].name.span;
        let at = |address: u32| (address - self.lexer.base) as usize;
        let name = &self.lexer.bytes[at(span.lo)..at(span.hi)];
        &self.lexer.bytes[self.lexer.at..self.lexer.word_end(self.lexer.at)] == name
    }

    fn unclosed_block(&mut self, here: Span, why: &str) {
        let Some(frame) = self.stack.pop() else { return };
        let span = self.lexer.span(frame.brace, frame.brace + 1);
        let error = Diagnostic::error(code::UNCLOSED_BLOCK, span, "this `{` is never closed")
            .here("this block is probably the unclosed one")
            .label(here, why)
            .help("add a `}` before it");
        self.lexer.findings.push(error);
        let indent = self.indent;
        let owner = self.leave(frame);
        self.finish(owner);
        self.indent = indent;
    }

    fn closing_brace(&mut self, fresh: bool) {
        let at = self.lexer.at;
        let span = self.lexer.span(at, at + 1);
        if fresh && self.trust.missing {
            let matching =
                self.stack.iter().rev().take(INDENT_SEARCH).find(|frame| frame.indent <= self.indent);
            if matching
                .is_some_and(|frame| frame.indent == self.indent && frame.line != self.lexer.line_start)
            {
                while self.stack.last().is_some_and(|frame| frame.indent > self.indent) {
                    self.unclosed_block(
                        span,
                        "closed by this `}`, whose indentation belongs to an outer block",
                    );
                }
            }
        }
        let extra = fresh
            && self.trust.stray
            && self
                .stack
                .last()
                .is_some_and(|top| self.indent > top.indent && top.line != self.lexer.line_start);
        self.lexer.at += 1;
        match if extra { None } else { self.stack.pop() } {
            Some(frame) => {
                let owner = self.leave(frame);
                self.tail(owner);
            }
            None => {
                self.stray = true;
                let message = "this `}` closes nothing";
                let error = Diagnostic::error(code::STRAY_BRACE, span, message).here(if extra {
                    "its indentation belongs to no open block"
                } else {
                    "no block is open here"
                });
                self.lexer.report(at + 1, error.help("remove it, or add the `{` it belongs to"));
            }
        }
    }

    /// A block at the start of a node: it was meant for the node before, or for nothing.
    fn block_on_next_line(&mut self) {
        let at = self.lexer.at;
        let span = self.lexer.span(at, at + 1);
        if let Some(node) = self.last {
            let data = self.document.nodes[node];
            let between = self.lexer.span(0, 0).lo;
            let gap = (data.span.hi - between) as usize..at;
            let name = data.name.span;
            let mut error = Diagnostic::error(
                code::BRACE_ON_NEXT_LINE,
                span,
                "the brace goes on the same line as its node",
            )
            .label(data.span, "a new line ends the node here");
            let written = &self.lexer.text[(name.lo - self.lexer.base) as usize..gap.start];
            let written = written.replace('\'', "\"");
            error = error.help(format!("write `{} {{`", crate::syntax::string::shown(&written)));
            if self.lexer.text[gap.clone()].trim().is_empty() {
                error = error.fix(Span::new(data.span.hi, span.hi), " {");
            }
            self.lexer.report(at + 1, error);
            return self.enter(Open { node, commented: false, blocks: Blocks::None }, false);
        }
        let error = Diagnostic::error(code::BLOCK_WITHOUT_NODE, span, "this block belongs to no node")
            .help("write the name of a node before the `{`, on the same line");
        self.lexer.report(at + 1, error);
        let name = Text { span: Span::new(span.lo, span.lo), form: Form::inset(0) };
        let node = self.document.nodes.len();
        self.document.nodes.push(NodeData::new(name, UNTYPED, span, self.document.entries.len()));
        self.enter(Open { node, commented: true, blocks: Blocks::None }, false);
    }

    fn stray_semicolon(&mut self) {
        let at = self.lexer.at;
        self.lexer.at += 1;
        let span = self.lexer.span(at, at + 1);
        let error = Diagnostic::error(code::STRAY_SEMICOLON, span, "this `;` ends no node").help("remove it");
        self.lexer.report(at + 1, error.fix(span, ""));
    }

    fn after_block(&mut self, message: &str) {
        let at = self.lexer.at;
        let end =
            self.lexer.word_end(at).max(at + self.lexer.char(at).len_utf8()).min(self.lexer.bytes.len());
        let error = Diagnostic::error(code::AFTER_BLOCK, self.lexer.span(at, end), message)
            .help("start a new line, or move it before the `{`");
        self.lexer.report(at, error);
    }

    /// Reports that two things touch, unless the first of them was reported anyway.
    fn missing_space(&mut self, spaced: bool) {
        let at = self.lexer.at;
        if spaced || self.lexer.reported_to == at {
            return;
        }
        let end = at + self.lexer.char(at).len_utf8();
        let error = Diagnostic::error(
            code::MISSING_SPACE,
            self.lexer.span(at, end),
            "a blank is missing before this",
        )
        .fix(self.lexer.span(at, at), " ");
        self.lexer.report(at, error);
    }
}

/// Returns whether a line of YAML belongs to a key that is indented so far.
fn belongs_below(line: &str, indent: usize) -> bool {
    let own = line.len() - line.trim_start().len();
    own > indent || own == indent && line.trim_start().starts_with("- ")
}
