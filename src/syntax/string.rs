//! Strings: quoted, raw, and the multi-line forms of both.
//!
//! A string is scanned once to find its end and to check its escapes; only one that has escapes or
//! several lines is copied. An unclosed one ends with its line, so that one missing quote is one
//! mistake.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::syntax::code;
use crate::syntax::document::Form;
use crate::syntax::lexer::{BACKSLASH, CONTROL, Kind, LEAD, Lexer, NEWLINE, QUOTE, kind, step};

impl Lexer<'_> {
    /// Reads the string at `"`, or at the first `#` before it, and moves behind it.
    pub(crate) fn string(&mut self, owned: &mut Vec<Box<str>>) -> Form {
        let start = self.at;
        let hashes = self.hashes(start);
        let open = start + hashes;
        if self.bytes[open..].first_chunk() == Some(b"\"\"\"") {
            return self.several_lines(open + 3, hashes, owned);
        }
        let mut at = open + 1;
        let mut escapes = false;
        let mut good = true;
        let stop = QUOTE | NEWLINE | LEAD | CONTROL | if hashes == 0 { BACKSLASH } else { 0 };
        loop {
            at = self.find(at, stop);
            match self.bytes.get(at) {
                Some(b'"') if self.closes(at + 1, hashes) => break,
                Some(b'"') => at += 1,
                Some(b'\\') => {
                    escapes = true;
                    at = self.escape(at, &mut good);
                }
                _ if self.at_line_end(at) => return self.unclosed(start, at),
                _ => {
                    good &= kind(self.char(at)) != Kind::Forbidden;
                    at = self.checked(at).unwrap_or(at + 1);
                }
            }
        }
        self.at = at + 1 + hashes;
        match (good, escapes) {
            (false, _) => Form::BAD,
            (true, false) => Form::inset(hashes + 1),
            (true, true) => match unescape(&self.text[open + 1..at]) {
                Some(text) => own(text, owned),
                None => Form::BAD,
            },
        }
    }

    fn closes(&self, at: usize, hashes: usize) -> bool {
        hashes == 0 || self.hashes(at) >= hashes
    }

    /// Steps over the escape at `at`, reporting one that KDL does not know.
    fn escape(&mut self, at: usize, good: &mut bool) -> usize {
        let next = self.byte(at + 1);
        match next {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' | b's' => return at + 2,
            b'u' => {
                if let Some((_, length)) = unicode_escape(&self.text[at..]) {
                    return at + length;
                }
            }
            _ => {
                let end = self.skip_white(at + 1);
                if end > at + 1 {
                    return end;
                }
            }
        }
        *good = false;
        let end = at + 1 + if self.at_line_end(at + 1) { 0 } else { self.char(at + 1).len_utf8() };
        let error = if next == b'u' {
            Diagnostic::error(code::BAD_ESCAPE, self.span(at, end), "`\\u` needs a code point in braces")
                .help("one to six hexadecimal digits of a character, no surrogate: `\\u{1F600}`")
        } else {
            let written = &self.text[at..end];
            Diagnostic::error(code::BAD_ESCAPE, self.span(at, end), format!("`{written}` is no escape"))
                .help(format!("write `\\{written}` for a backslash, or a raw string: `#\"…\"#`"))
        };
        self.report(end, error);
        end
    }

    /// Skips blanks and newlines.
    fn skip_white(&self, mut at: usize) -> usize {
        loop {
            let next = self.skip_blanks(at);
            let newline = self.newline(next);
            if next + newline == at {
                return at;
            }
            at = next + newline;
        }
    }

    /// A string without its closing quotes ends with its line, or before a brace that ends the line
    /// and is meant to be one.
    fn unclosed(&mut self, start: usize, line_end: usize) -> Form {
        let line = self.text[start..line_end].trim_end();
        let end = match line.strip_suffix([' ', '\t']) {
            _ if line.len() < 2 => line.len(),
            _ => ["{", "}"]
                .iter()
                .find_map(|brace| line.strip_suffix(brace).filter(|rest| rest.ends_with([' ', '\t'])))
                .map_or(line.len(), |rest| rest.trim_end().len()),
        };
        let end = start + end.max(1);
        let hashes = self.hashes(start);
        let close = format!("\"{}", "#".repeat(hashes.min(8)));
        let error =
            Diagnostic::error(code::UNCLOSED_STRING, self.span(start, end), "this string is never closed")
                .here(format!("no `{close}` on this line"))
                .help(format!("end it with `{close}`; a text of several lines stands between `\"\"\"`"));
        self.report(end, error);
        self.at = end;
        Form::BAD
    }

    /// Reads a multi-line string whose content starts at `at`, behind the three quotes.
    fn several_lines(&mut self, at: usize, hashes: usize, owned: &mut Vec<Box<str>>) -> Form {
        let start = at - 3 - hashes;
        let newline = self.newline(at);
        if newline == 0 {
            return self.quotes_on_one_line(start, at, hashes);
        }
        let mut good = true;
        let Some(end) = self.closing_quotes(at, hashes, &mut good) else {
            self.at = self.bytes.len();
            self.swallowed = true;
            let error =
                Diagnostic::error(code::UNCLOSED_STRING, self.span(start, at), "this string is never closed");
            let close = format!("\"\"\"{}", "#".repeat(hashes.min(8)));
            self.report(self.at, error.help(format!("end it with `{close}` on a line of its own")));
            return Form::BAD;
        };
        step(2 * (end - at));
        if let Some(last) = memchr::memrchr(b'\n', &self.bytes[at..end]) {
            self.line_start = at + last + 1;
        }
        self.at = end + 3 + hashes;
        if !good {
            return Form::BAD;
        }
        match dedent(&self.text[at + newline..end], hashes == 0) {
            Ok(text) => own(text, owned),
            Err(fault) => {
                self.misplaced_lines(end, at + newline, fault);
                Form::BAD
            }
        }
    }

    /// Finds the three quotes that end a multi-line string.
    fn closing_quotes(&mut self, mut at: usize, hashes: usize, good: &mut bool) -> Option<usize> {
        let stop = QUOTE | LEAD | CONTROL | if hashes == 0 { BACKSLASH } else { 0 };
        loop {
            at = self.find(at, stop);
            match self.bytes.get(at)? {
                b'"' if self.bytes[at..].starts_with(b"\"\"\"") && self.closes(at + 3, hashes) => {
                    return Some(at);
                }
                b'"' => at += 1,
                b'\\' => at = self.escape(at, good),
                _ => {
                    *good &= kind(self.char(at)) != Kind::Forbidden;
                    at = self.checked(at).unwrap_or(at + self.char(at).len_utf8());
                }
            }
        }
    }

    /// Reports three quotes with text behind them on the same line.
    fn quotes_on_one_line(&mut self, start: usize, at: usize, hashes: usize) -> Form {
        let close = format!("\"\"\"{}", "#".repeat(hashes));
        let mut quotes = self.find(at, QUOTE | NEWLINE);
        while !self.text[quotes..].starts_with(&close) {
            if self.class(quotes) != QUOTE {
                return self.unclosed(start, quotes);
            }
            quotes = self.find(quotes + 1, QUOTE | NEWLINE);
        }
        let end = quotes + close.len();
        let content = &self.text[at..quotes];
        let span = self.span(start, end);
        let message = "the text of a `\"\"\"` string starts on the next line";
        let mut error = Diagnostic::error(code::MULTI_LINE_STRING, span, message);
        if content.contains('"') {
            error = error.help("put the text and the closing quotes on lines of their own");
        } else {
            let marks = "#".repeat(hashes);
            let right = format!("{marks}\"{content}\"{marks}");
            error = error.help(format!("one line needs one quote: `{}`", shown(&right))).fix(span, right);
        }
        self.report(end, error);
        self.at = end;
        Form::BAD
    }

    fn misplaced_lines(&mut self, end: usize, content: usize, fault: Fault) {
        let quotes = self.span(end, end + 3);
        let error = match fault {
            Fault::TextBeforeQuotes => {
                let message = "the closing `\"\"\"` must stand on a line of its own";
                Diagnostic::error(code::MULTI_LINE_STRING, quotes, message)
                    .help("move it to the next line; what stands before it there is the indentation that is cut off")
            }
            Fault::Indentation(offset) => {
                let line = content + offset;
                let text = self.skip_blanks(line).max(line);
                let span = self.span(line, text.max(line + 1).min(end));
                let message = "this line of the string is not indented like its closing `\"\"\"`";
                Diagnostic::error(code::MULTI_LINE_STRING, span, message)
                    .here("indented differently")
                    .label(quotes, "every line starts with the blanks that stand before these quotes")
                    .help("use the same blanks on each line, or move the closing quotes to the left")
            }
        };
        self.report(self.at, error);
    }
}

fn own(text: String, owned: &mut Vec<Box<str>>) -> Form {
    owned.push(text.into_boxed_str());
    Form::owned(owned.len() - 1)
}

/// Cuts a text for a message.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

/// Reads `\u{…}` at the start of a text: the character and the length of the escape.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\u{")?;
    let length = digits.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
    if !(1..=6).contains(&length) || digits.as_bytes().get(length) != Some(&b'}') {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(&digits[..length], 16).ok()?)?;
    Some((c, length + 4))
}

/// Replaces the escapes of a text; `None` when one is unknown.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let c = match rest.as_bytes().get(1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b's' => ' ',
            b'u' => {
                let (c, length) = unicode_escape(rest)?;
                out.push(c);
                rest = &rest[length..];
                continue;
            }
            _ => {
                rest = rest[1..].trim_start_matches(is_white);
                continue;
            }
        };
        out.push(c);
        rest = &rest[2..];
    }
    out.push_str(rest);
    Some(out)
}

fn is_white(c: char) -> bool {
    matches!(kind(c), Kind::Blank | Kind::Newline)
}

/// Why the lines of a multi-line string cannot be put together.
enum Fault {
    /// Something but blanks stands before the closing quotes.
    TextBeforeQuotes,
    /// The line at this offset does not start with the blanks of the last line.
    Indentation(usize),
}

/// Takes the indentation off the content of a multi-line string: from behind the first newline up
/// to the closing quotes.
fn dedent(content: &str, escapes: bool) -> Result<String, Fault> {
    let text = if escapes { without_hidden_newlines(content) } else { Cow::Borrowed(content) };
    let start = text.rfind(|c| kind(c) == Kind::Newline);
    let start = start.map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let prefix = &text[start..];
    if !prefix.chars().all(|c| kind(c) == Kind::Blank) {
        return Err(Fault::TextBeforeQuotes);
    }
    let mut out = String::with_capacity(start);
    let mut rest = &text[..start];
    let mut first = true;
    while !rest.is_empty() {
        let offset = start - rest.len();
        let end = rest.find(|c| kind(c) == Kind::Newline).unwrap_or(rest.len());
        let line = &rest[..end];
        let newline = if rest[end..].starts_with("\r\n") {
            2
        } else {
            rest[end..].chars().next().map_or(0, char::len_utf8)
        };
        rest = &rest[end + newline..];
        if !first {
            out.push('\n');
        }
        first = false;
        match line.strip_prefix(prefix) {
            _ if line.chars().all(|c| kind(c) == Kind::Blank) => {}
            Some(line) => out.push_str(line),
            // Offsets are those of the text as written only as long as no newline was hidden.
            None => return Err(Fault::Indentation(if text.len() == content.len() { offset } else { 0 })),
        }
    }
    if escapes { unescape(&out).ok_or(Fault::TextBeforeQuotes) } else { Ok(out) }
}

/// Takes out every `\` that hides the blanks and newlines behind it; the other escapes stay.
fn without_hidden_newlines(content: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = content;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &rest.as_bytes()[from..]) {
        let at = from + at;
        let behind = &rest[at + 1..];
        let hidden = behind.len() - behind.trim_start_matches(is_white).len();
        if hidden > 0 {
            out.push_str(&rest[..at]);
            rest = &behind[hidden..];
            from = 0;
        } else {
            from = (at + 2).min(rest.len());
        }
    }
    if rest.len() == content.len() {
        return Cow::Borrowed(content);
    }
    out.push_str(rest);
    Cow::Owned(out)
}
