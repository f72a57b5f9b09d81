//! A text without mistakes as a row of tokens, comments and newlines among them.
//!
//! Blanks are left out: the layout puts its own. A `\` that hides a newline is one token with the
//! line comment behind it, if any; block comments between the two come out before it.

use crate::syntax::lexer::Lexer;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string of any form, a number or a keyword.
    Atom,
    /// `(`
    OpenType,
    /// `)`
    CloseType,
    /// `=`
    Equals,
    /// `{`
    OpenBlock,
    /// `}`
    CloseBlock,
    /// `;`
    Semicolon,
    /// `/-`
    Slashdash,
    /// One newline of any form.
    Newline,
    /// From `//` to the end of the line, without the newline.
    LineComment,
    /// From `/*` to its `*/`.
    BlockComment,
    /// A hidden newline: the place of the line comment behind the `\`, empty when there is none.
    Continuation,
}

/// A token and where its text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) lo: u32,
    pub(super) hi: u32,
}

impl Token {
    fn new(kind: Kind, lo: usize, hi: usize) -> Self {
        Self { kind, lo: lo as u32, hi: hi as u32 }
    }

    /// Returns whether it has no text: of a continuation, whether it has no comment.
    pub(super) fn is_empty(self) -> bool {
        self.lo == self.hi
    }

    /// Returns its text.
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.lo as usize..self.hi as usize]
    }
}

/// Takes a text apart in which the parser found no mistake.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text, 0);
    let mut tokens = Vec::with_capacity(text.len() / 6);
    // Strings are unescaped on the way to their end; nobody looks at that here.
    let mut unescaped = Vec::new();
    loop {
        lexer.at = lexer.skip_blanks(lexer.at);
        let lo = lexer.at;
        let Some(byte) = lexer.peek() else { return tokens };
        let newline = lexer.newline(lo);
        let kind = match (byte, lexer.byte(lo + 1)) {
            _ if newline > 0 => step(&mut lexer, newline, Kind::Newline),
            (b'/', b'/') => {
                lexer.line_comment();
                Kind::LineComment
            }
            (b'/', b'*') => {
                lexer.block_comment();
                Kind::BlockComment
            }
            (b'/', b'-') => step(&mut lexer, 2, Kind::Slashdash),
            (b'\\', _) => {
                continuation(&mut lexer, &mut tokens);
                continue;
            }
            (b'(', _) => step(&mut lexer, 1, Kind::OpenType),
            (b')', _) => step(&mut lexer, 1, Kind::CloseType),
            (b'=', _) => step(&mut lexer, 1, Kind::Equals),
            (b'{', _) => step(&mut lexer, 1, Kind::OpenBlock),
            (b'}', _) => step(&mut lexer, 1, Kind::CloseBlock),
            (b';', _) => step(&mut lexer, 1, Kind::Semicolon),
            _ => {
                atom(&mut lexer, &mut unescaped);
                unescaped.clear();
                Kind::Atom
            }
        };
        tokens.push(Token::new(kind, lo, lexer.at));
    }
}

fn step(lexer: &mut Lexer<'_>, length: usize, kind: Kind) -> Kind {
    lexer.at += length;
    kind
}

fn atom(lexer: &mut Lexer<'_>, unescaped: &mut Vec<Box<str>>) {
    let start = lexer.at;
    let hashes = lexer.bytes[start..].iter().take_while(|&&byte| byte == b'#').count();
    if lexer.byte(start + hashes) == b'"' {
        lexer.string(unescaped);
    } else {
        // In a text without mistakes every word has characters; that one does not may not stop us.
        lexer.at = lexer.word_end(start + hashes).max(start + 1);
    }
}

fn continuation(lexer: &mut Lexer<'_>, tokens: &mut Vec<Token>) {
    lexer.at += 1;
    loop {
        lexer.at = lexer.skip_blanks(lexer.at);
        let lo = lexer.at;
        if lexer.starts_with(b"/*") {
            lexer.block_comment();
            tokens.push(Token::new(Kind::BlockComment, lo, lexer.at));
            continue;
        }
        if lexer.starts_with(b"//") {
            lexer.line_comment();
        }
        tokens.push(Token::new(Kind::Continuation, lo, lexer.at));
        lexer.at += lexer.newline(lexer.at);
        return;
    }
}
