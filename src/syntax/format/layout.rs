//! Tokens to lines.
//!
//! The walk knows two places: between nodes, where newlines count, and in a node, where only one
//! hidden by `\` does. It decides at each `{` whether the block stays on its line; from there to the
//! `}` nothing else is to be decided.

use crate::syntax::format::page::{INDENT, Page, WIDTH};
use crate::syntax::format::text;
use crate::syntax::format::token::{Kind, Token, tokens};

/// A node that is written with a blank behind its `/-`: the version of KDL, where one is said.
const VERSION: &str = "kdl-version";

/// Lays out a text without mistakes.
pub(super) fn layout(text: &str) -> String {
    let mut layout = Layout {
        text,
        tokens: tokens(text),
        next: 0,
        page: Page::default(),
        depth: 0,
        place: Place::Between,
        before: None,
        breaks: 0,
        shared: Shared::No,
        edge: true,
        commented: false,
        below: false,
        partial: false,
        hidden: Vec::new(),
    };
    while let Some(&token) = layout.tokens.get(layout.next) {
        layout.next += 1;
        match layout.place {
            Place::Between => layout.between(token),
            Place::Node => layout.in_node(token),
        }
    }
    layout.end_node();
    layout.page.finish()
}

/// Where the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before, between or behind nodes.
    Between,
    /// Behind the first token of a node.
    Node,
}

/// Whether what follows stood on the line of the last `;` or `{`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shared {
    /// It did not.
    No,
    /// It did; a comment belongs to that line if the line ends behind it.
    Undecided,
    /// It did, and these are the comments that end the line.
    Comments,
}

struct Layout<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
    page: Page,
    /// How many blocks are open that have several lines.
    depth: usize,
    place: Place,
    /// The last token on the line that is being written.
    before: Option<Kind>,
    /// How many newlines stand before the next token: two are one blank line.
    breaks: usize,
    shared: Shared,
    /// Nothing was written in this block or text yet.
    edge: bool,
    /// Nothing but comments was written since a `/-`.
    commented: bool,
    /// The next token of the node goes below: a line comment ended the line.
    below: bool,
    /// The line holds only the beginning or the end of a node with a block.
    partial: bool,
    /// Each `\` that is written when the next token shows that it is needed. Only the first may be
    /// without a comment.
    hidden: Vec<Token>,
}

impl<'t> Layout<'t> {
    fn between(&mut self, token: Token) {
        match token.kind {
            Kind::Newline => self.breaks = (self.breaks + 1).min(2),
            Kind::Continuation if token.is_empty() => self.breaks = (self.breaks + 1).min(2),
            Kind::Continuation => {
                self.line_comment(token);
                self.breaks = 1;
            }
            Kind::LineComment => self.line_comment(token),
            Kind::BlockComment => {
                if self.breaks == 0 && self.shared == Shared::Undecided {
                    if self.comments_end_the_line() {
                        self.shared = Shared::Comments;
                    } else {
                        self.breaks = 1;
                    }
                }
                if self.breaks > 0 || self.before.is_none() {
                    self.start_line();
                }
                self.put(token);
            }
            Kind::CloseBlock => self.close_block(token),
            _ => {
                if self.shared != Shared::No {
                    self.breaks = self.breaks.max(1);
                }
                if self.breaks > 0 || self.before.is_none() {
                    self.start_line();
                }
                self.place = Place::Node;
                self.in_node(token);
            }
        }
    }

    fn in_node(&mut self, token: Token) {
        match token.kind {
            Kind::Newline if self.commented => {}
            Kind::Newline => {
                self.end_node();
                self.breaks = 1;
            }
            Kind::Semicolon => {
                self.end_node();
                self.shared = Shared::Undecided;
            }
            Kind::LineComment if self.commented => {
                self.begin_part(token.kind);
                if self.before.is_some() {
                    self.page.space();
                }
                self.page.write(text::line_comment(token.of(self.text)));
                self.before = Some(Kind::LineComment);
                self.below = true;
            }
            Kind::LineComment => {
                self.end_node();
                self.line_comment(token);
            }
            Kind::Continuation => {
                self.hidden.retain(|hidden| !hidden.is_empty());
                if !token.is_empty() || self.hidden.is_empty() {
                    self.hidden.push(token);
                }
            }
            Kind::OpenBlock => self.open_block(token),
            Kind::CloseBlock => {
                self.end_node();
                self.close_block(token);
            }
            _ => self.part(token),
        }
    }

    /// Writes a part of a node.
    fn part(&mut self, token: Token) {
        let first = self.page.is_empty();
        self.begin_part(token.kind);
        self.put(token);
        self.commented = match token.kind {
            Kind::Slashdash => true,
            Kind::BlockComment => self.commented,
            _ => false,
        };
        if first && token.kind == Kind::Slashdash && self.names_version() {
            self.page.space();
        }
    }

    fn names_version(&self) -> bool {
        self.tokens
            .get(self.next)
            .is_some_and(|next| next.kind == Kind::Atom && next.of(self.text) == VERSION)
    }

    /// Goes to the next line before a part of a node if a `\` or a comment asks for it.
    fn begin_part(&mut self, next: Kind) {
        let inside = (self.depth + 1) * INDENT;
        if self.below {
            self.below = false;
            self.page.start_line(0, inside);
            self.before = None;
        }
        let touches = next == Kind::OpenBlock || self.before.is_none_or(|before| !apart(before, next));
        for hidden in std::mem::take(&mut self.hidden) {
            if hidden.is_empty() && touches {
                continue;
            }
            if self.before.is_some() {
                self.page.space();
            }
            self.page.write("\\");
            if !hidden.is_empty() {
                self.page.space();
                self.page.write(text::line_comment(hidden.of(self.text)));
            }
            self.page.start_line(0, inside);
            self.before = None;
        }
    }

    /// Ends a node. A `\` behind which it does not go on is dropped; the comment behind it stays.
    fn end_node(&mut self) {
        self.place = Place::Between;
        self.shared = Shared::No;
        self.breaks = 0;
        for hidden in std::mem::take(&mut self.hidden) {
            if !hidden.is_empty() {
                self.line_comment(hidden);
                self.breaks = 1;
            }
        }
    }

    fn start_line(&mut self) {
        let blank = self.breaks == 2 && !self.edge;
        self.page.start_line(usize::from(blank), self.depth * INDENT);
        self.breaks = 0;
        self.shared = Shared::No;
        self.edge = false;
        self.partial = false;
        self.before = None;
    }

    /// Writes a line comment, or that of a `\`: behind what stands on the line, or on its own.
    fn line_comment(&mut self, token: Token) {
        let comment = text::line_comment(token.of(self.text));
        if self.breaks > 0 || self.before.is_none() {
            self.start_line();
            self.page.write(comment);
        } else {
            self.page.trailing_comment(comment, self.partial);
        }
        self.before = Some(Kind::LineComment);
    }

    /// Returns whether nothing but comments stands between here and the end of the line or block.
    fn comments_end_the_line(&self) -> bool {
        let next = self.tokens[self.next..].iter().find(|token| token.kind != Kind::BlockComment);
        next.is_none_or(|token| {
            matches!(token.kind, Kind::Newline | Kind::LineComment | Kind::Continuation | Kind::CloseBlock)
        })
    }

    fn open_block(&mut self, token: Token) {
        self.part(token);
        if let Some(close) = self.empty_block() {
            self.next = close;
            let close = self.tokens[close];
            self.next += 1;
            self.put(close);
        } else if self.fits() {
            self.one_line();
        } else {
            self.depth += 1;
            self.partial = true;
            self.edge = true;
            self.place = Place::Between;
            self.shared = Shared::Undecided;
            self.breaks = 0;
        }
    }

    fn close_block(&mut self, token: Token) {
        self.depth -= 1;
        self.breaks = 1;
        self.start_line();
        self.put(token);
        self.partial = true;
        self.place = Place::Node;
        self.commented = false;
    }

    /// Returns where the `}` is when nothing stands before it.
    fn empty_block(&self) -> Option<usize> {
        let nothing = |token: &Token| {
            token.kind == Kind::Newline || token.kind == Kind::Continuation && token.is_empty()
        };
        let skipped = self.tokens[self.next..].iter().take_while(|token| nothing(token)).count();
        let close = self.next + skipped;
        (self.tokens.get(close)?.kind == Kind::CloseBlock).then_some(close)
    }

    /// Returns whether the block that was just opened was written on one line and fits there.
    fn fits(&self) -> bool {
        let mut column = self.page.column();
        let mut before = Kind::OpenBlock;
        let mut open = 1;
        for (at, token) in self.tokens.iter().enumerate().skip(self.next) {
            let text = token.of(self.text);
            match token.kind {
                Kind::Newline | Kind::LineComment | Kind::Continuation => return false,
                Kind::Atom | Kind::BlockComment
                    if text.len() > 4 * WIDTH || text.contains(text::is_newline) =>
                {
                    return false;
                }
                Kind::Semicolon if self.ends_block(at) => continue,
                Kind::OpenBlock => open += 1,
                Kind::CloseBlock => open -= 1,
                _ => {}
            }
            column += usize::from(apart(before, token.kind)) + text.chars().count();
            if column > WIDTH {
                return false;
            }
            if open == 0 {
                return true;
            }
            before = token.kind;
        }
        false
    }

    /// Writes a block on one line, up to its `}`.
    fn one_line(&mut self) {
        let mut open = 1;
        while open > 0 {
            let Some(&token) = self.tokens.get(self.next) else { break };
            self.next += 1;
            match token.kind {
                Kind::Semicolon if self.ends_block(self.next - 1) => continue,
                Kind::OpenBlock => open += 1,
                Kind::CloseBlock => open -= 1,
                _ => {}
            }
            self.put(token);
        }
    }

    /// Returns whether the `;` at an index is the last thing in its block.
    fn ends_block(&self, semicolon: usize) -> bool {
        self.tokens.get(semicolon + 1).is_some_and(|next| next.kind == Kind::CloseBlock)
    }

    /// Writes a token behind what stands on the line.
    fn put(&mut self, token: Token) {
        if self.before.is_some_and(|before| apart(before, token.kind)) {
            self.page.space();
        }
        let text = token.of(self.text);
        match token.kind {
            Kind::Atom if text.starts_with(['"', '#']) => {
                self.page.write(&text::string(text, (self.depth + 1) * INDENT));
            }
            Kind::BlockComment => {
                let old = self.before.is_none().then(|| self.indentation(token)).flatten();
                let moved = old.map(|old| (old, self.page.column()));
                self.page.write(&text::block_comment(text, moved));
            }
            _ => self.page.write(text),
        }
        self.before = Some(token.kind);
    }

    /// Returns the blanks before a token when nothing else stands before it on its line.
    fn indentation(&self, token: Token) -> Option<&'t str> {
        let before = &self.text[..token.lo as usize];
        let outside = before.trim_end_matches(text::is_blank);
        let at_line_start = outside.is_empty() || outside.ends_with(text::is_newline);
        at_line_start.then(|| &before[outside.len()..])
    }
}

/// Returns whether a blank stands between two tokens on a line.
fn apart(before: Kind, next: Kind) -> bool {
    match (before, next) {
        (Kind::OpenType, _) | (_, Kind::CloseType | Kind::Semicolon) => false,
        (Kind::OpenBlock, Kind::CloseBlock) => false,
        (_, Kind::BlockComment) | (Kind::BlockComment, _) => true,
        (Kind::CloseType | Kind::Equals | Kind::Slashdash, _) | (_, Kind::Equals) => false,
        _ => true,
    }
}
