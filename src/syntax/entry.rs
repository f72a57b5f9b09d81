//! Names, type annotations, arguments and properties, and what people write in their place.
//!
//! Most mistakes in a service file are habits from other languages: a duration without quotes, a
//! bare `true`, a path. Each gets its own words and, where it is certain, its correction.

use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::code;
use crate::syntax::document::{EntryData, Form, Text, UNTYPED};
use crate::syntax::lexer::{BLANK, COMMENT, Kind, LEAD, WORD, kind, step};
use crate::syntax::number::is_number;
use crate::syntax::parser::Parser;
use crate::syntax::string::shown;

/// How far an unquoted cron line is looked at.
const CRON_LENGTH: usize = 100;

/// How much of a line is shown in its corrected form, in bytes.
const LONG_REST: usize = 60;

/// How far the end of a list in brackets is looked for.
const LIST_LENGTH: usize = 400;

/// What a word stands for in the place it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The name of a node or of a type.
    Name,
    /// An argument or the name of a property.
    Entry,
    /// The value of a property.
    Value,
}

impl Parser<'_> {
    /// Reads an argument or a property of `node`. A property without a readable name is left out.
    pub(super) fn entry(&mut self, node: usize) {
        let findings = self.lexer.findings.len();
        let lo = self.lexer.at;
        let mut ty = self.annotation();
        if self.lexer.at > lo {
            self.lexer.blanks();
        }
        let typed = self.lexer.at > lo;
        let first = self.literal(Role::Entry);
        let end = self.lexer.at;
        let could_be_key = self.lexer.byte(end) == b'=' || {
            self.spaced |= self.lexer.blanks();
            self.lexer.peek() == Some(b'=')
        };
        let (key, value) = if could_be_key {
            self.spaced = false;
            self.key(first, typed);
            self.lexer.at += 1;
            self.lexer.blanks();
            let before = self.lexer.at;
            ty = self.annotation();
            if self.lexer.at > before {
                self.lexer.blanks();
            }
            (first, self.property_value(first))
        } else {
            (Text::ABSENT, first)
        };
        if self.lexer.findings.has_errors_from(findings) {
            self.document.nodes[node].broken = true;
        }
        if key.form.is_string() || key.is_absent() {
            let span = Span::new(self.lexer.base + lo as u32, value.span.hi);
            self.document.entries.push(EntryData { key, value, ty, span });
        }
    }

    /// Checks the name of a property; the place is at the `=`.
    fn key(&mut self, key: Text, typed: bool) {
        let at = self.lexer.at;
        if typed {
            let error = Diagnostic::error(
                code::BAD_TYPE,
                key.span,
                "a type annotation stands before the value, not before the name",
            )
            .help("write `name=(type)value`");
            self.lexer.report(at, error);
        }
        if !key.form.is_string() && key.form != Form::BAD {
            let written = self.written(key.span);
            let error = Diagnostic::error(
                code::BAD_PROPERTY_NAME,
                key.span,
                format!("`{written}` cannot be the name of a property"),
            )
            .help(format!("quote it: `\"{written}\"=…`"))
            .fix(key.span, format!("\"{written}\""));
            self.lexer.report(at, error);
        }
    }

    fn property_value(&mut self, key: Text) -> Text {
        let at = self.lexer.at;
        if !self.at_end_of_node() {
            return self.literal(Role::Value);
        }
        let name = shown(self.written(key.span)).into_owned();
        let span = Span::new(key.span.lo, self.lexer.base + at as u32);
        let span =
            Span::new(span.lo, span.lo + self.lexer.text[self.offset(span.lo)..at].trim_end().len() as u32);
        let error = Diagnostic::error(code::MISSING_VALUE, span, format!("`{name}` has no value"))
            .here("nothing follows the `=`")
            .help(format!("write it behind the `=`: `{name}=\"…\"`"));
        self.lexer.report(at, error);
        Text { span: Span::new(span.hi, span.hi), form: Form::BAD }
    }

    fn at_end_of_node(&self) -> bool {
        let at = self.lexer.at;
        matches!(self.lexer.peek(), None | Some(b';' | b'{' | b'}'))
            || self.lexer.at_line_end(at)
            || self.lexer.starts_with(b"//")
    }

    fn offset(&self, address: u32) -> usize {
        (address - self.lexer.base) as usize
    }

    fn written(&self, span: Span) -> &str {
        &self.lexer.text[self.offset(span.lo)..self.offset(span.hi)]
    }

    /// Reads the name of a node; returns whether it can be one.
    pub(super) fn node_name(&mut self) -> (Text, bool) {
        let mut name = self.literal(Role::Name);
        if name.form == Form::BAD {
            return (name, false);
        }
        if !name.form.is_string() {
            let written = self.written(name.span);
            let error = Diagnostic::error(
                code::BAD_NODE_NAME,
                name.span,
                format!("`{written}` cannot be the name of a node"),
            )
            .help(format!("quote it: `\"{written}\"`"));
            self.lexer.report(self.lexer.at, error);
            return (name, false);
        }
        let written = self.written(name.span);
        if name.form == Form::inset(0) && written.len() > 1 && written.ends_with(':') {
            let bare = written.trim_end_matches(':').to_owned();
            let colon = Span::new(name.span.lo + bare.len() as u32, name.span.hi);
            let error = Diagnostic::error(code::COLON_AFTER_NAME, colon, format!("`{bare}` takes no colon"))
                .here("drop this")
                .help(match self.yaml_block_follows() {
                    true => format!("what belongs to it stands between braces: `{bare} {{ … }}`"),
                    false => {
                        let rest = self.rest_of_line();
                        format!("a node is its name and its values, with blanks between: `{bare} {rest}`")
                    }
                })
                .fix(colon, "");
            self.lexer.report(self.lexer.at, error);
            name.span.hi = colon.lo;
        }
        (name, true)
    }

    /// Reports an `=` directly behind the name of a node, and steps over it.
    pub(super) fn equals_after_name(&mut self, node: usize) {
        if self.lexer.peek() != Some(b'=') {
            self.spaced |= self.lexer.blanks();
            if self.lexer.peek() != Some(b'=') {
                return;
            }
        }
        let at = self.lexer.at;
        let name = self.document.nodes[node].name.span;
        let written = shown(self.written(name)).into_owned();
        let gap = Span::new(name.hi, self.lexer.base + at as u32 + 1);
        let equals = self.lexer.span(at, at + 1);
        self.lexer.at += 1;
        let blank = self.lexer.blanks();
        let rest = self.rest_of_line();
        let error = Diagnostic::error(
            code::EQUALS_AFTER_NAME,
            equals,
            format!("`{written}` takes its value without `=`"),
        )
        .help(format!("a node is its name and its values, with blanks between: `{written} {rest}`"))
        .fix(gap, if blank { "" } else { " " });
        self.document.nodes[node].broken = true;
        self.lexer.report(self.lexer.at, error);
        self.spaced = true;
    }

    /// What stands behind a name on its line, for a message: quoted where it has to be.
    fn rest_of_line(&self) -> String {
        let rest = self.lexer.text[self.lexer.at..].trim_start_matches([' ', '\t']);
        let end = rest.find(['\n', '\r', ';', '{', '}']).unwrap_or(rest.len());
        step(end);
        let line = rest[..end].split(" //").next().unwrap_or_default().trim_end();
        let bare = |word: &str| {
            let first = word.starts_with(|c: char| c.is_ascii_digit());
            !first && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.#".contains(c)) || is_number(word)
        };
        if line.is_empty() || line.len() > LONG_REST {
            return "…".to_owned();
        }
        if line.contains(['"', '=']) {
            return shown(line).into_owned();
        }
        let word = |word: &str| if bare(word) { word.to_owned() } else { quoted(word.trim_matches('\'')) };
        shown(&line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")).into_owned()
    }

    /// Reads `(type)` where one stands; returns its index.
    #[inline]
    pub(super) fn annotation(&mut self) -> u32 {
        if self.lexer.peek() == Some(b'(') { self.type_in_parentheses() } else { UNTYPED }
    }

    fn type_in_parentheses(&mut self) -> u32 {
        let open = self.lexer.at;
        self.lexer.at += 1;
        self.lexer.blanks();
        let findings = self.lexer.findings.len();
        let is_text = matches!(self.lexer.peek(), Some(b'"' | b'#'))
            || self.lexer.class(self.lexer.at) & (WORD | LEAD) != 0;
        let ty =
            if is_text { self.literal(Role::Name) } else { Text { span: Span::default(), form: Form::BAD } };
        self.lexer.blanks();
        if self.lexer.peek() == Some(b')') && ty.form.is_string() {
            self.lexer.at += 1;
            self.document.types.push(ty);
            return self.document.types.len() as u32 - 1;
        }
        if !self.lexer.findings.has_errors_from(findings) {
            let end = self.lexer.word_end(self.lexer.at);
            let error = Diagnostic::error(
                code::BAD_TYPE,
                self.lexer.span(open, end.max(open + 1)),
                "this is no type annotation",
            )
            .help("a type is a name in parentheses; a value that holds a parenthesis is quoted");
            self.lexer.report(end, error);
        }
        self.lexer.at = self.lexer.word_end(self.lexer.at);
        if self.lexer.peek() == Some(b')') {
            self.lexer.at += 1;
        }
        self.lexer.reported_to = self.lexer.at;
        UNTYPED
    }

    /// Reads one string, number or keyword. Whatever cannot be one is reported and stepped over.
    fn literal(&mut self, role: Role) -> Text {
        let start = self.lexer.at;
        let form = match self.lexer.peek() {
            Some(b'"') => self.lexer.string(&mut self.document.owned),
            Some(b'#') => self.after_hash(),
            Some(b'/' | b'\\' | b'[' | b']' | b')' | b'=') => self.out_of_place(role),
            _ if self.lexer.class(start) & (WORD | LEAD) != 0 => return self.word(role),
            _ => self.out_of_place(role),
        };
        Text { span: self.lexer.span(start, self.lexer.at), form }
    }

    /// Reads a raw string or a keyword.
    fn after_hash(&mut self) -> Form {
        let start = self.lexer.at;
        let hashes = self.lexer.hashes(start);
        if self.lexer.byte(start + hashes) == b'"' {
            return self.lexer.string(&mut self.document.owned);
        }
        let end = self.lexer.word_end(start + hashes);
        self.lexer.at = end;
        let written = &self.lexer.text[start..end];
        match written {
            "#true" => return Form::TRUE,
            "#false" => return Form::FALSE,
            "#null" => return Form::NULL,
            "#inf" | "#-inf" | "#nan" => return Form::NUMBER,
            _ => {}
        }
        let known = ["#true", "#false", "#null", "#inf", "#-inf", "#nan"];
        let near = crate::diagnostic::suggest::nearest(written, known);
        let help = match near {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!(
                "quote it when it is meant as text: `\"{}\"`; a comment starts with `//`",
                shown(written)
            ),
        };
        let message = format!("`{}` is no keyword", shown(written));
        let error = Diagnostic::error(code::UNKNOWN_KEYWORD, self.lexer.span(start, end), message);
        self.lexer.report(end, error.help(help));
        Form::BAD
    }

    /// Reads a bare word or a number.
    fn word(&mut self, role: Role) -> Text {
        let start = self.lexer.at;
        let end = self.lexer.word_end(start);
        let span = self.lexer.span(start, end);
        let text = |form| Text { span, form };
        if end == start {
            let form = self.out_of_place(role);
            return Text { span: self.lexer.span(start, self.lexer.at), form };
        }
        let word = &self.lexer.text[start..end];
        let next = self.lexer.byte(end);
        // Most words are plain: nothing about them needs a second look.
        if self.lexer.bytes[start].is_ascii_alphabetic()
            && matches!(next, b' ' | b'\n' | b'=')
            && !is_foreign_keyword(word)
        {
            self.lexer.at = end;
            return text(Form::inset(0));
        }
        if word.starts_with('\'')
            && let Some(text) = self.single_quotes(start, end)
        {
            return text;
        }
        match next {
            b'"' | b'#' if word == "r" && self.raw_string_follows(end) => {
                return self.old_raw_string(start, end);
            }
            b'/' if matches!(self.lexer.byte(end + 1), b'/' | b'*') => self.comment_in_word(start, end),
            b'/' if self.lexer.byte(end + 1) == b'-' => {}
            b'/' | b'[' | b']' | b'#' | b'(' => return self.unquoted(start, role),
            b')' if role != Role::Name => return self.unquoted(start, role),
            b'{' if word.ends_with('$') => return self.unquoted(start, role),
            b'\\' if self.lexer.class(end + 1) & WORD != 0 => return self.unquoted(start, role),
            _ => {}
        }
        let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
        let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
        if digits.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            if is_number(word) {
                let number = text(Form::NUMBER);
                self.lexer.at = end;
                return number;
            }
            return self.no_number(start, end, role);
        }
        let word_text = text(Form::inset(0));
        self.lexer.at = end;
        if is_foreign_keyword(word) {
            let is_key = role == Role::Entry && self.lexer.byte(self.lexer.find(end, !BLANK)) == b'=';
            self.bare_keyword(word_text.span, word, role == Role::Name || is_key);
            return Text { form: Form::BAD, ..word_text };
        }
        word_text
    }

    fn raw_string_follows(&self, at: usize) -> bool {
        self.lexer.byte(at + self.lexer.hashes(at)) == b'"'
    }

    fn old_raw_string(&mut self, start: usize, end: usize) -> Text {
        self.lexer.at = end;
        let before = self.lexer.findings.len();
        self.lexer.string(&mut self.document.owned);
        let span = self.lexer.span(start, self.lexer.at);
        if self.lexer.findings.len() == before {
            let inside = self.written(Span::new(span.lo + 1, span.hi));
            let right = if inside.starts_with('#') { inside.to_owned() } else { format!("#{inside}#") };
            let error =
                Diagnostic::error(code::OLD_RAW_STRING, span, "a raw string starts with `#`, without an `r`")
                    .help(format!("write `{}`", shown(&right)))
                    .fix(span, right);
            self.lexer.report(self.lexer.at, error);
        }
        Text { span, form: Form::BAD }
    }

    /// Warns of a comment that touches a word: it is one, but hardly meant to be.
    fn comment_in_word(&mut self, start: usize, end: usize) {
        let mark = &self.lexer.text[end..end + 2];
        let chunk = self.chunk_end(start);
        let written = shown(&self.lexer.text[start..chunk]).into_owned();
        let warning = Diagnostic::warning(
            code::COMMENT_IN_WORD,
            self.lexer.span(end, end + 2),
            format!("`{mark}` starts a comment here, in the middle of a word"),
        )
        .help(format!(
            "quote it when it is meant as text: `\"{written}\"`; else put a blank before the comment"
        ));
        self.lexer.findings.push(warning);
    }

    /// Where a text that should have been quoted ends: at a blank, or what ends a node.
    fn chunk_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            at = self.lexer.word_end(at);
            match self.lexer.byte(at) {
                b'/' | b'\\' | b'[' | b']' | b'#' | b'(' | b')' | b'=' | b':'
                    if at < self.lexer.bytes.len() =>
                {
                    at += 1
                }
                b'{' if at > start && self.lexer.byte(at - 1) == b'$' => {
                    let near = &self.lexer.bytes[at..self.lexer.bytes.len().min(at + 80)];
                    match memchr::memchr2(b'}', b'\n', near) {
                        Some(close) if near[close] == b'}' => at += close + 1,
                        _ => return at,
                    }
                }
                _ => return at,
            }
        }
    }

    /// Reports a text that may not stand without quotes, and steps over it.
    fn unquoted(&mut self, start: usize, role: Role) -> Text {
        let mut end = self.chunk_end(start).max(start + 1);
        let mut written = &self.lexer.text[start..end];
        let cron = written.starts_with("*/") && role == Role::Entry;
        if cron {
            let field = |c: &char| c.is_ascii_digit() || "*/,- \t".contains(*c);
            let near = self.lexer.text[start..].chars().take(CRON_LENGTH).take_while(field).count();
            let whole = self.lexer.text[start..start + near].trim_end();
            if whole.len() > written.len()
                && matches!(self.lexer.byte(start + near), b'\n' | b'\r' | b';' | b'}')
            {
                written = whole;
                end = start + whole.len();
            }
        }
        let what = if cron {
            "a cron line"
        } else if written.contains('/') {
            "a path"
        } else {
            "a text with such characters"
        };
        let message = match role {
            Role::Name => "a name with such characters must be quoted".to_owned(),
            Role::Entry | Role::Value => format!("{what} must be quoted"),
        };
        let span = self.lexer.span(start, end);
        let right = quoted(written);
        let error = Diagnostic::error(code::UNQUOTED_TEXT, span, message)
            .help(format!("write `{}`", shown(&right)))
            .fix(span, right);
        self.lexer.at = end;
        self.lexer.report(end, error);
        Text { span, form: Form::BAD }
    }

    /// Reports a word that starts like a number and is none.
    fn no_number(&mut self, start: usize, end: usize, role: Role) -> Text {
        let word = &self.lexer.text[start..end];
        let span = self.lexer.span(start, end);
        if role == Role::Entry && self.lexer.byte(end) == b'=' {
            let message = format!("`{}` cannot be the name of a property", shown(word));
            let error = Diagnostic::error(code::BAD_PROPERTY_NAME, span, message)
                .help("a name begins with a letter or `_`");
            self.lexer.at = end;
            self.lexer.report(end, error);
            return Text { span, form: Form::BAD };
        }
        let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
        let unit = &word[number.len()..];
        let radix = number.starts_with('0') && matches!(word.as_bytes().get(1), Some(b'x' | b'o' | b'b'));
        let right = quoted(word);
        let error = if !unit.is_empty() && unit.len() <= 3 && !radix && is_number(number) || is_duration(word)
        {
            let message = "durations and sizes are quoted";
            Diagnostic::error(code::UNQUOTED_QUANTITY, span, message).help(format!("write `{right}`"))
        } else {
            let message = format!("`{}` is no number", shown(word));
            Diagnostic::error(code::BAD_NUMBER, span, message)
                .help(format!("quote it when it is meant as text: `{}`", shown(&right)))
        };
        self.lexer.at = end;
        self.lexer.report(end, error.fix(span, right));
        Text { span, form: Form::BAD }
    }

    fn bare_keyword(&mut self, span: Span, word: &str, is_name: bool) {
        let at = self.lexer.at;
        let error = if is_name {
            let message = format!("`{word}` cannot be a name without quotes");
            Diagnostic::error(code::BARE_KEYWORD, span, message)
                .help(format!("quote it: `\"{word}\"`"))
                .fix(span, format!("\"{word}\""))
        } else {
            let what = if matches!(word, "true" | "false") { "booleans" } else { "keywords" };
            let message = format!("KDL 2 {what} start with `#`");
            Diagnostic::error(code::BARE_KEYWORD, span, message)
                .help(format!("write `#{word}`, or `\"{word}\"` for the text"))
                .fix(span, format!("#{word}"))
        };
        self.lexer.report(at, error);
    }

    /// Reads `'text'`, which KDL takes for a word with apostrophes; the text is taken as it was meant.
    fn single_quotes(&mut self, start: usize, end: usize) -> Option<Text> {
        let close = if end - start > 1 && self.lexer.byte(end - 1) == b'\'' {
            end - 1
        } else if end <= self.lexer.no_apostrophe_to {
            return None;
        } else {
            let rest = &self.lexer.bytes[end..];
            let stop = memchr::memchr2(b'\'', b'\n', rest);
            step(stop.unwrap_or(rest.len()));
            match stop {
                Some(at) if rest[at] == b'\'' => end + at,
                stop => {
                    self.lexer.no_apostrophe_to = end + stop.unwrap_or(rest.len());
                    return None;
                }
            }
        };
        let behind = self.lexer.class(close + 1);
        if behind & (WORD | COMMENT) != 0 || self.lexer.text[start + 1..close].contains(['"', '{', '}', ';'])
        {
            return None;
        }
        let span = self.lexer.span(start, close + 1);
        let right = quoted(&self.lexer.text[start + 1..close]);
        let error = Diagnostic::error(code::SINGLE_QUOTES, span, "single quotes are not quotes in KDL")
            .help(format!("write `{}`", shown(&right)))
            .fix(span, right);
        self.lexer.at = close + 1;
        self.lexer.report(close + 1, error);
        Some(Text { span, form: Form::inset(1) })
    }

    /// Reports `[a, b]` as a whole, when it ends on its line.
    fn list(&mut self) -> Option<Form> {
        let start = self.lexer.at;
        let near = &self.lexer.text[start..self.lexer.text.floor_char_boundary(start + LIST_LENGTH)];
        let stop = near[1..].find([']', '\n', '[', '{', '}', ';', '\\']);
        step(stop.unwrap_or(near.len()));
        let end = 1 + stop.filter(|&stop| near[1 + stop..].starts_with(']'))?;
        let inside = &near[1..end];
        if inside.matches('"').count() % 2 == 1 {
            return None;
        }
        let values = without_commas(inside);
        let span = self.lexer.span(start, start + end + 1);
        let error = Diagnostic::error(code::UNEXPECTED_CHARACTER, span, "KDL has no lists")
            .help(format!("write the values one after the other: `{}`", shown(&values)))
            .fix(span, values);
        self.lexer.at = start + end + 1;
        self.lexer.report(self.lexer.at, error);
        Some(Form::BAD)
    }

    /// Reports a character that nothing can start with, and steps over what it belongs to.
    fn out_of_place(&mut self, role: Role) -> Form {
        let start = self.lexer.at;
        if self.at_end_of_node() && self.lexer.reported_to == start {
            return Form::BAD;
        }
        if self.at_end_of_node() {
            let error = Diagnostic::error(
                code::MISSING_VALUE,
                self.lexer.span(start, start),
                "something is missing here",
            )
            .help("a type annotation stands before a node or a value, as in `(u8)10`");
            self.lexer.report(start, error);
            return Form::BAD;
        }
        let c = self.lexer.char(start);
        if kind(c) == Kind::Forbidden {
            self.lexer.forbidden(start, c);
            self.lexer.at += c.len_utf8();
            self.lexer.reported_to = self.lexer.at;
            return Form::BAD;
        }
        if c == '/' && self.lexer.class(start + 1) & WORD != 0 {
            return self.unquoted(start, role).form;
        }
        if c == '['
            && let Some(form) = self.list()
        {
            return form;
        }
        let help = match c {
            '[' | ']' => "KDL has no lists: write the values one after the other, with blanks between",
            '=' => "a property is written `name=value`",
            ')' => "a value that holds a parenthesis is quoted",
            '\\' => "a `\\` outside of quotes continues a line and is the last thing on it",
            _ => "a value that holds such a character is quoted",
        };
        let end = start + c.len_utf8();
        let error = Diagnostic::error(
            code::UNEXPECTED_CHARACTER,
            self.lexer.span(start, end),
            format!("`{c}` means nothing here"),
        )
        .help(help);
        self.lexer.at = end;
        self.lexer.report(end, error);
        Form::BAD
    }
}

/// Returns the values of `a, "b"`, as KDL writes them: one after the other.
fn without_commas(list: &str) -> String {
    let mut quoting = false;
    let separates = |c: char| {
        quoting ^= c == '"';
        !quoting && (c == ',' || c.is_whitespace())
    };
    let values = list.split(separates).filter(|value| !value.is_empty());
    let bare = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    values
        .map(|value| if value.starts_with('"') || bare(value) { value.to_owned() } else { quoted(value) })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns whether KDL 1 and other languages use a word as a value.
fn is_foreign_keyword(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "inf" | "-inf" | "nan")
}

/// Puts a text in quotes, escaping what must be.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns whether it is a duration of several parts: `1h30m`.
fn is_duration(word: &str) -> bool {
    let mut rest = word;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let next = unit.trim_start_matches(|c: char| c.is_ascii_lowercase());
        if unit.len() == rest.len() || !(1..=2).contains(&(unit.len() - next.len())) {
            return false;
        }
        rest = next;
    }
    true
}
