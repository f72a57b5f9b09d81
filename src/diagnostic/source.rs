//! Where things stand: one address space for the bytes of all files.
//!
//! A [`Span`] is two `u32`, whatever file it is in, so that one diagnostic can label several files
//! and a tree of a hundred thousand nodes stays small. The limit that follows, 4 GiB of sources, is
//! checked where files are added.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A range of bytes in the address space of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub lo: u32,
    /// The byte behind the last one.
    pub hi: u32,
}

impl Span {
    /// Makes a span from its ends.
    pub const fn new(lo: u32, hi: u32) -> Self {
        Self { lo, hi }
    }

    /// Returns the smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value with its place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A place as people count: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// The file's name as it was given.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The offset in bytes within the file, from 0.
    pub offset: usize,
}

/// One source text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, as a person would want to see it.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    base: u32,
    /// Looked for when somebody asks: most sources have nothing to be said about them.
    line_starts: OnceLock<Vec<u32>>,
}

/// All sources of one compilation, end to end, with a gap of one byte between two.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

/// The sources together are larger than the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl SourceMap {
    /// Adds a source and returns the address of its first byte.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when all sources together would pass 4 GiB.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> Result<u32, TooLarge> {
        let text: Arc<str> = text.into();
        let base = match self.sources.last() {
            Some(last) => last.base as usize + last.text.len() + 1,
            None => 0,
        };
        if base + text.len() >= u32::MAX as usize {
            return Err(TooLarge);
        }
        let base = base as u32;
        self.sources.push(Source { name: name.into(), text, base, line_starts: OnceLock::new() });
        Ok(base)
    }

    /// Makes a map in which hardly anything has room any more.
    #[cfg(test)]
    pub(crate) fn nearly_full() -> Self {
        let last = Source {
            name: String::new(),
            text: "".into(),
            base: u32::MAX - 10,
            line_starts: OnceLock::new(),
        };
        Self { sources: vec![last] }
    }

    /// Names the sources as somebody in the folder `base` would: those below it without its path.
    pub fn name_from(&mut self, base: &str) {
        for source in &mut self.sources {
            let below = source.name.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
            if let Some(below) = below {
                source.name = below.to_owned();
            }
        }
    }

    /// Puts `*` in the place of each character of these spans, except for quotes around them and ends of lines, so that
    /// everything else stays where it is.
    pub fn hide(&mut self, spans: &[Span]) {
        for source in &mut self.sources {
            let end = source.base + source.text.len() as u32;
            let mut inside = spans.iter().filter(|span| source.base <= span.lo && span.hi <= end).peekable();
            if inside.peek().is_none() {
                continue;
            }
            let mut bytes = source.text.as_bytes().to_vec();
            for span in inside {
                let hidden = &mut bytes[source.range(*span)];
                let quoted = matches!(hidden, [b'"', .., b'"'] | [b'\'', .., b'\'']);
                let inner = usize::from(quoted)..hidden.len() - usize::from(quoted);
                hidden[inner]
                    .iter_mut()
                    .filter(|byte| !matches!(byte, b'\n' | b'\r'))
                    .for_each(|byte| *byte = b'*');
            }
            // Characters go whole: a span begins and ends between two.
            source.text = String::from_utf8_lossy(&bytes).into();
        }
    }

    /// Returns the source that holds `at`.
    pub fn source_at(&self, at: u32) -> Option<&Source> {
        let index = self.sources.partition_point(|s| s.base <= at).checked_sub(1)?;
        self.sources.get(index)
    }

    /// Iterates over the sources in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// Returns the text of a span; empty when it is in no source.
    pub fn text(&self, span: Span) -> &str {
        self.source_at(span.lo).and_then(|s| s.text.get(s.range(span))).unwrap_or_default()
    }

    /// Returns where an address is, as people count; `None` when it is in no source.
    pub fn location(&self, at: u32) -> Option<Location<'_>> {
        let source = self.source_at(at)?;
        let offset = ((at - source.base) as usize).min(source.text.len());
        let line_starts = source.line_starts();
        let line = line_starts.partition_point(|&start| start as usize <= offset) - 1;
        let before = source.text.get(line_starts[line] as usize..offset).unwrap_or_default();
        Some(Location { file: &source.name, line: line + 1, column: before.chars().count() + 1, offset })
    }
}

impl Source {
    /// Returns the address of the first byte.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Returns the addresses of all bytes, the end included.
    pub fn span(&self) -> Span {
        Span::new(self.base, self.base + self.text.len() as u32)
    }

    /// Turns a span of the address space into a range of this text.
    pub fn range(&self, span: Span) -> Range<usize> {
        let at = |address: u32| (address.saturating_sub(self.base) as usize).min(self.text.len());
        at(span.lo)..at(span.hi)
    }

    /// Returns where each line starts, as offsets into the text; the first is 0.
    pub fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let newlines = memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|at| at as u32 + 1);
            std::iter::once(0).chain(newlines).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_its_file_line_and_column() {
        let mut map = SourceMap::default();
        map.add("a.kdl", "one\ntwo\n").expect("small");
        let b = map.add("b.kdl", "drei\nvïer x").expect("small");
        let at = map.location(b + 11).expect("inside");
        assert_eq!((at.file, at.line, at.column, at.offset), ("b.kdl", 2, 6, 11));
        let at = map.location(4).expect("inside");
        assert_eq!((at.file, at.line, at.column), ("a.kdl", 2, 1));
        assert_eq!(map.text(Span::new(b, b + 4)), "drei");
    }

    #[test]
    fn a_file_below_the_folder_one_is_in_is_named_from_there() {
        let mut map = SourceMap::default();
        for name in ["/shop/a.kdl", "/shop/more/b.kdl", "/shopping/c.kdl", "/etc/d.kdl"] {
            map.add(name, "").expect("small");
        }
        map.name_from("/shop");
        let names: Vec<&str> = map.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["a.kdl", "more/b.kdl", "/shopping/c.kdl", "/etc/d.kdl"]);
    }

    #[test]
    fn the_end_of_a_file_belongs_to_it() {
        let mut map = SourceMap::default();
        map.add("a.kdl", "one").expect("small");
        map.add("b.kdl", "two").expect("small");
        assert_eq!(map.location(3).expect("inside").file, "a.kdl");
        assert_eq!(map.location(4).expect("inside").file, "b.kdl");
    }
}
