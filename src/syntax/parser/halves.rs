//! A long text is read in two halves at once.
//!
//! It is cut where a block seems to end and a node to begin. Whether that is so shows afterwards: when
//! nothing at all is to be said about the first half by itself, no block, string or comment reaches
//! across the cut, and both halves together are what the whole text is. Otherwise the text is read
//! again from its beginning, in one piece, since findings need what stands around them.

use std::sync::Arc;
use std::thread;

use crate::syntax::document::Document;
use crate::syntax::parser::{Parser, Trust};

/// From how many bytes on reading takes longer than starting a thread by so much that it is worth it.
const LONG: usize = 128 * 1024;

/// Reads a long text about which nothing is to be said; `None` for any other.
pub(super) fn parse(text: &Arc<str>, base: u32) -> Option<Document> {
    if text.len() < LONG {
        return None;
    }
    let cut = cut(text)?;
    let part = |part| {
        let mut parser = Parser::of_part(text, part, base, Trust::default());
        parser.document();
        parser.lexer.findings.is_empty().then_some(parser.document)
    };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| part(cut..text.len()));
        (part(0..cut), second.join())
    });
    let mut document = first?;
    document.append(second.expect("reading never panics")?);
    Some(document)
}

/// Returns where a node begins at the start of a line, behind a line that is a closing brace, near the middle.
fn cut(text: &str) -> Option<usize> {
    const END: &[u8] = b"\n}\n";
    let bytes = text.as_bytes();
    let middle = bytes.len() / 2;
    let ends = memchr::memmem::find_iter(&bytes[middle..], END).map(|at| middle + at + END.len());
    ends.into_iter().find(|&at| bytes.get(at).is_some_and(u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;

    /// What is read of a text in one piece.
    fn whole(text: &Arc<str>, base: u32) -> Document {
        let mut parser = Parser::new(text, base, Trust::default());
        parser.document();
        parser.document
    }

    /// A text of so many nodes of every kind that it is long.
    fn long(node: &str) -> Arc<str> {
        node.repeat(LONG / node.len() + 2).into()
    }

    #[test]
    fn two_halves_are_what_the_whole_text_is() {
        let text = long(
            "service \"a\\tb\" {\n    (t)env \"x\\ny\"=(v)\"\\u{41}\" (u)z\n    a; /- b 1\n}\nc 1 2 d=3\n",
        );
        let halves = parse(&text, 7).expect("nothing is wrong with it");
        assert_eq!(halves, whole(&text, 7));
        let names = |document: &Document| {
            let mut names = Vec::new();
            for node in document.nodes() {
                names.push(format!("{} {:?} {:?}", node.name(), node.ty(), node.span()));
                names.extend(node.entries().map(|entry| format!("{:?} {:?}", entry.key(), entry.value())));
                names.extend(node.children().map(|child| child.name().to_owned()));
            }
            names
        };
        assert_eq!(names(&halves), names(&whole(&text, 7)));
    }

    #[test]
    fn a_cut_inside_of_something_is_noticed() {
        let inside = long("a\n}\nb\n");
        for (open, close) in
            [("x {\n", "}\n"), ("x \"\"\"\n", "\n\"\"\"\n"), ("/*\n", "*/\n"), ("x #\"", "\"#\n")]
        {
            let text: Arc<str> = format!("{open}{inside}{close}").into();
            assert!(cut(&text).is_some(), "{open}");
            assert!(parse(&text, 0).is_none(), "{open}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_in_one_piece() {
        let fine = long("a {\n}\nb\n");
        let text: Arc<str> = format!("{fine}c 10s\n").into();
        let mut found = Diagnostics::default();
        let document = crate::syntax::parse(&text, 0, &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(document, whole(&text, 0));
    }
}
