//! The characters of KDL 2 and what stands between the things that mean something: blanks, lines,
//! comments.
//!
//! One table says what each byte may be; the few characters beyond ASCII that matter are decoded
//! only behind the lead bytes that can begin them. Nothing here looks at a byte more than a fixed
//! number of times.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::syntax::code;

/// May stand in a bare word.
pub(crate) const WORD: u8 = 1;
/// A blank or a tab.
pub(crate) const BLANK: u8 = 1 << 1;
/// LF, CR, VT, FF.
pub(crate) const NEWLINE: u8 = 1 << 2;
/// The lead byte of characters of which some are blanks, newlines or forbidden.
pub(crate) const LEAD: u8 = 1 << 3;
/// A control character that may not stand in a document.
pub(crate) const CONTROL: u8 = 1 << 4;
/// `"`
pub(crate) const QUOTE: u8 = 1 << 5;
/// `\`
pub(crate) const BACKSLASH: u8 = 1 << 6;
/// `*` and `/`
pub(crate) const COMMENT: u8 = 1 << 7;

const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [WORD; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' => BLANK,
            b'\n' | b'\r' | 0x0b | 0x0c => NEWLINE,
            0..=0x1f | 0x7f => CONTROL,
            b'"' => QUOTE,
            b'\\' => BACKSLASH,
            b'/' => COMMENT,
            b'*' => WORD | COMMENT,
            b'(' | b')' | b'{' | b'}' | b'[' | b']' | b';' | b'#' | b'=' => 0,
            0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef => LEAD,
            _ => WORD,
        };
        byte += 1;
    }
    table
}

/// What a character beyond ASCII is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    Blank,
    Newline,
    Forbidden,
}

/// Says what a character is.
pub(crate) fn kind(c: char) -> Kind {
    match c {
        '\t'
        | ' '
        | '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}' => Kind::Blank,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Kind::Newline,
        '\0'..='\u{1f}'
        | '\u{7f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => Kind::Forbidden,
        _ => Kind::Ordinary,
    }
}

#[cfg(test)]
thread_local! {
    /// How many bytes were looked at on this thread: it shows whether reading stays linear.
    pub(crate) static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts bytes that are looked at, for the tests; costs nothing elsewhere.
#[inline(always)]
pub(crate) fn step(bytes: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + bytes);
    #[cfg(not(test))]
    let _ = bytes;
}

/// A place in a text, with the findings about it.
pub(crate) struct Lexer<'t> {
    pub(crate) text: &'t str,
    pub(crate) bytes: &'t [u8],
    pub(crate) base: u32,
    pub(crate) at: usize,
    /// Where the current line starts.
    pub(crate) line_start: usize,
    /// Whether nothing but blanks and comments stands before this place on its line.
    pub(crate) fresh: bool,
    /// Where the last thing that was reported ended: what follows it directly is not reported again.
    pub(crate) reported_to: usize,
    /// A comment or a string swallowed the rest of the text.
    pub(crate) swallowed: bool,
    /// No `'` stands between here and there; keeps the search for the other one linear.
    pub(crate) no_apostrophe_to: usize,
    pub(crate) findings: Diagnostics,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str, base: u32) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self {
            text,
            bytes: text.as_bytes(),
            base,
            at,
            line_start: at,
            fresh: true,
            reported_to: usize::MAX,
            swallowed: false,
            no_apostrophe_to: 0,
            findings: Diagnostics::default(),
        }
    }

    pub(crate) fn span(&self, lo: usize, hi: usize) -> Span {
        Span::new(self.base + lo as u32, self.base + hi as u32)
    }

    /// Reports a finding about something that ends at `end`.
    pub(crate) fn report(&mut self, end: usize, diagnostic: Diagnostic) {
        self.reported_to = end;
        self.findings.push(diagnostic);
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn byte(&self, at: usize) -> u8 {
        step(1);
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    #[inline]
    pub(crate) fn class(&self, at: usize) -> u8 {
        step(1);
        self.bytes.get(at).map_or(NEWLINE, |&byte| CLASS[byte as usize])
    }

    #[inline]
    pub(crate) fn starts_with<const N: usize>(&self, what: &[u8; N]) -> bool {
        self.bytes[self.at..].first_chunk() == Some(what)
    }

    /// Returns the first place from `at` on whose byte is of one of the classes, or the end.
    pub(crate) fn find(&self, at: usize, stop: u8) -> usize {
        let rest = &self.bytes[at..];
        let length = rest.iter().position(|&byte| CLASS[byte as usize] & stop != 0).unwrap_or(rest.len());
        step(length + 1);
        at + length
    }

    /// Returns how many `#` stand at `at`.
    pub(crate) fn hashes(&self, at: usize) -> usize {
        let hashes = self.bytes[at..].iter().take_while(|&&byte| byte == b'#').count();
        step(hashes);
        hashes
    }

    /// Decodes the character at `at`; a newline at the end.
    pub(crate) fn char(&self, at: usize) -> char {
        self.text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\n')
    }

    /// Returns the length of the newline at `at`, 0 when there is none.
    #[inline]
    pub(crate) fn newline(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            None => 0,
            Some(b'\r') if self.bytes.get(at + 1) == Some(&b'\n') => 2,
            Some(b'\n' | b'\r' | 0x0b | 0x0c) => 1,
            Some(0xc2 | 0xe2) => {
                let c = self.char(at);
                if kind(c) == Kind::Newline { c.len_utf8() } else { 0 }
            }
            Some(_) => 0,
        }
    }

    /// Returns whether a newline or the end is at `at`.
    pub(crate) fn at_line_end(&self, at: usize) -> bool {
        at >= self.bytes.len() || self.newline(at) > 0
    }

    /// Skips unicode blanks. Between two words there is mostly one, for which a call costs more than the work.
    #[inline(always)]
    pub(crate) fn skip_blanks(&self, mut at: usize) -> usize {
        let start = at;
        while let Some(b' ' | b'\t') = self.bytes.get(at) {
            at += 1;
        }
        step(at - start);
        if self.class(at) == LEAD { self.skip_wide_blanks(at) } else { at }
    }

    /// The same where the first one may be beyond ASCII.
    fn skip_wide_blanks(&self, mut at: usize) -> usize {
        loop {
            match self.class(at) {
                BLANK => at += 1,
                LEAD => {
                    let c = self.char(at);
                    if kind(c) != Kind::Blank {
                        return at;
                    }
                    at += c.len_utf8();
                }
                _ => return at,
            }
        }
    }

    /// Skips what may stand between the parts of a node: blanks, block comments, continued lines.
    /// Returns whether there was any.
    #[inline(always)]
    pub(crate) fn blanks(&mut self) -> bool {
        let start = self.at;
        self.at = self.skip_blanks(start);
        if matches!(self.peek(), Some(b'/' | b'\\')) {
            self.rare_blanks();
        }
        self.at > start
    }

    /// The same behind the ordinary blanks.
    fn rare_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b'/') if self.byte(self.at + 1) == b'*' => self.block_comment(),
                Some(b'\\') => {
                    if !self.continued_line() {
                        break;
                    }
                }
                _ => break,
            }
            self.at = self.skip_blanks(self.at);
        }
    }

    /// Skips what may stand between nodes: what [`Self::blanks`] skips, newlines and line comments.
    pub(crate) fn lines(&mut self) {
        loop {
            self.blanks();
            let newline = self.newline(self.at);
            if newline > 0 {
                self.enter_line(self.at + newline);
            } else if self.starts_with(b"//") {
                self.line_comment();
            } else {
                return;
            }
        }
    }

    pub(crate) fn enter_line(&mut self, at: usize) {
        self.at = at;
        self.line_start = at;
        self.fresh = true;
    }

    /// Skips a `\` with the newline it hides.
    fn continued_line(&mut self) -> bool {
        let backslash = self.at;
        let findings = self.findings.len();
        self.at += 1;
        loop {
            self.at = self.skip_blanks(self.at);
            if self.starts_with(b"/*") {
                self.block_comment();
            } else {
                break;
            }
        }
        if self.starts_with(b"//") {
            self.line_comment();
        }
        let newline = self.newline(self.at);
        if newline > 0 {
            self.enter_line(self.at + newline);
        } else if self.at < self.bytes.len() {
            self.findings.truncate(findings);
            self.at = backslash;
            return false;
        }
        true
    }

    /// Skips a line comment, up to its newline.
    pub(crate) fn line_comment(&mut self) {
        let mut at = self.at + 2;
        loop {
            at = self.find(at, NEWLINE | LEAD | CONTROL);
            match self.class(at) {
                LEAD | CONTROL => match self.checked(at) {
                    Some(next) => at = next,
                    None => break,
                },
                _ => break,
            }
        }
        self.at = at;
    }

    /// Steps over the character at `at`, reporting one that may not stand in a document; `None` when
    /// it is a newline.
    pub(crate) fn checked(&mut self, at: usize) -> Option<usize> {
        let c = self.char(at);
        match kind(c) {
            Kind::Newline => return None,
            Kind::Forbidden => self.forbidden(at, c),
            Kind::Ordinary | Kind::Blank => {}
        }
        Some(at + c.len_utf8())
    }

    /// Reports a character that may not stand in a document, a run of them once.
    pub(crate) fn forbidden(&mut self, at: usize, c: char) {
        let end = at + c.len_utf8();
        if self.reported_to == at {
            self.reported_to = end;
            return;
        }
        let message = format!("the character U+{:04X} may not stand in a KDL document", u32::from(c));
        let help = format!("remove it, or write `\\u{{{:X}}}` in a quoted string", u32::from(c));
        let span = self.span(at, end);
        self.report(end, Diagnostic::error(code::FORBIDDEN_CHARACTER, span, message).help(help));
    }

    /// Skips a block comment; they nest.
    pub(crate) fn block_comment(&mut self) {
        let start = self.at;
        let mut at = start + 2;
        let mut depth = 1_usize;
        while depth > 0 {
            at = self.find(at, COMMENT | NEWLINE | LEAD | CONTROL);
            match (self.bytes.get(at), self.byte(at + 1)) {
                (None, _) => {
                    self.swallowed = true;
                    let span = self.span(start, start + 2);
                    let error =
                        Diagnostic::error(code::UNCLOSED_COMMENT, span, "this comment is never closed");
                    self.report(
                        at,
                        error.help("end it with `*/`; inside a comment every `/*` needs its own"),
                    );
                    break;
                }
                (Some(b'*'), b'/') => {
                    depth -= 1;
                    at += 2;
                }
                (Some(b'/'), b'*') => {
                    depth += 1;
                    at += 2;
                }
                (Some(b'\n'), _) => {
                    at += 1;
                    self.line_start = at;
                }
                (Some(_), _) if self.class(at) & (LEAD | CONTROL) != 0 => {
                    at = self.checked(at).unwrap_or(at + self.char(at).len_utf8());
                }
                _ => at += 1,
            }
        }
        self.at = at;
    }

    /// Returns the end of the bare word at `at`; `at` itself when none starts there.
    pub(crate) fn word_end(&self, mut at: usize) -> usize {
        loop {
            let rest = &self.bytes[at.min(self.bytes.len())..];
            let length = rest.iter().position(|&byte| CLASS[byte as usize] & WORD == 0).unwrap_or(rest.len());
            step(length);
            at += length;
            if self.class(at) != LEAD {
                return at;
            }
            let c = self.char(at);
            if kind(c) != Kind::Ordinary {
                return at;
            }
            at += c.len_utf8();
        }
    }
}
