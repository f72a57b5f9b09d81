//! The texts of several lines: block comments and multi-line strings, moved to where they now stand.

use std::borrow::Cow;

use crate::syntax::lexer::{Kind, kind};

/// Takes the blanks off the end of a line comment.
pub(super) fn line_comment(text: &str) -> &str {
    text.trim_end_matches(is_blank)
}

/// Lays out a block comment. `moved` says which indentation it had and which it has now, when
/// nothing stands before it on its line; lines that start with the old one get the new one.
pub(super) fn block_comment<'t>(text: &'t str, moved: Option<(&str, usize)>) -> Cow<'t, str> {
    if !text.contains(is_newline) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (number, line) in lines(text).enumerate() {
        let line = line.trim_end_matches(is_blank);
        if number == 0 {
            out.push_str(line);
            continue;
        }
        out.push('\n');
        match moved.and_then(|(old, new)| Some((line.strip_prefix(old)?, new))) {
            Some((rest, new)) if !rest.is_empty() => {
                pad(&mut out, new);
                out.push_str(rest);
            }
            Some(_) => {}
            None => out.push_str(line),
        }
    }
    Cow::Owned(out)
}

/// Lays out a string. One of several lines is moved to an indentation, which changes nothing of
/// what it says: KDL takes off every line what stands before the closing quotes.
pub(super) fn string(text: &str, indent: usize) -> Cow<'_, str> {
    if !text.contains(is_newline) {
        return Cow::Borrowed(text);
    }
    let hashes = text.bytes().take_while(|&byte| byte == b'#').count();
    let delimiter = hashes + 3;
    let several_lines = text[hashes..].starts_with("\"\"\"");
    if !several_lines || hashes == 0 && hides_newline(text) {
        return as_it_stands(text);
    }
    let content = &text[delimiter..text.len() - delimiter];
    let old = lines(content).last().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..delimiter]);
    for line in lines(&content[..content.len() - old.len()]).skip(1) {
        out.push('\n');
        if !line.chars().all(is_blank) {
            pad(&mut out, indent);
            out.push_str(line.strip_prefix(old).unwrap_or(line));
        }
    }
    // The last of these lines is the one before the quotes: it is empty and has its newline.
    pad(&mut out, indent);
    out.push_str(&text[text.len() - delimiter..]);
    Cow::Owned(out)
}

/// Returns a text with its newlines written as LF where they were CR or CR LF.
fn as_it_stands(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns whether a `\` hides blanks or newlines behind it.
fn hides_newline(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let mut behind = rest[at + 1..].chars();
        if behind.next().is_some_and(|c| is_blank(c) || is_newline(c)) {
            return true;
        }
        rest = behind.as_str();
    }
    false
}

/// Appends blanks.
pub(super) fn pad(out: &mut String, columns: usize) {
    out.extend(std::iter::repeat_n(' ', columns));
}

/// Returns whether a character is a blank within a line.
pub(super) fn is_blank(c: char) -> bool {
    kind(c) == Kind::Blank
}

/// Returns whether a character ends a line.
pub(super) fn is_newline(c: char) -> bool {
    kind(c) == Kind::Newline
}

/// The lines of a text, at any newline KDL knows; there is one more than there are newlines.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(is_newline) else { return rest.take() };
        let length = if text[end..].starts_with("\r\n") {
            2
        } else {
            text[end..].chars().next().map_or(0, char::len_utf8)
        };
        rest = Some(&text[end + length..]);
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_moves_as_a_whole_and_says_the_same() {
        assert_eq!(
            string("\"\"\"\n\t a\n\n\t   b\\n\n\t \"\"\"", 4),
            "\"\"\"\n    a\n\n      b\\n\n    \"\"\""
        );
        assert_eq!(string("#\"\"\"\r\n  a \\\r\n  \"\"\"#", 0), "#\"\"\"\na \\\n\"\"\"#");
        assert_eq!(string("\"\"\"\n\"\"\"", 4), "\"\"\"\n    \"\"\"");
    }

    #[test]
    fn a_string_that_hides_newlines_stays_as_it_is() {
        let text = "\"\"\"\n  a \\\n   b\n  \"\"\"";
        assert_eq!(string(text, 8), text);
        assert_eq!(string("\"a \\\r\n  b\"", 8), "\"a \\\n  b\"");
        assert_ne!(string("\"\"\"\n  a \\\\ b\n  \"\"\"", 8), "\"\"\"\n  a \\\\ b\n  \"\"\"");
    }

    #[test]
    fn a_comment_takes_its_lines_with_it() {
        assert_eq!(block_comment("/* a \n\t * b\n c\n\t */", Some(("\t", 4))), "/* a\n     * b\n c\n     */");
        assert_eq!(block_comment("/* a \r\n\r\n b */", None), "/* a\n\n b */");
    }
}
