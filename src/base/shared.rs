//! Texts that several parts hold at once.

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// A piece of a text that others hold as well: of a service file, most of the time.
///
/// Cheap to clone and to cut, since the characters stay where they are: a plan of a hundred thousand
/// services is made without copying what was written. It keeps the whole text alive. At most 4 GiB.
///
/// Pieces count their holders together with the piece they were cut from. What two threads cut, each from a
/// [`SharedStr`] of its own made of the same [`Arc`], is counted apart, so that neither waits for the other.
#[derive(Clone)]
pub struct SharedStr {
    whole: Arc<Whole>,
    lo: u32,
    hi: u32,
}

/// Whose the characters are.
enum Whole {
    /// Those of a text that others hold as such.
    Shared(Arc<str>),
    /// Its own.
    Own(Box<str>),
}

impl Deref for Whole {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Shared(text) => text,
            Self::Own(text) => text,
        }
    }
}

impl SharedStr {
    /// Returns the characters.
    pub fn as_str(&self) -> &str {
        &self.whole[self.lo as usize..self.hi as usize]
    }

    /// Returns a piece of it, sharing the same text.
    ///
    /// # Panics
    ///
    /// When `range` is outside of it or cuts a character.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        assert!(self.as_str().get(range.clone()).is_some(), "a piece of a text lies in it");
        let (lo, hi) = (self.lo + range.start as u32, self.lo + range.end as u32);
        Self { whole: self.whole.clone(), lo, hi }
    }
}

impl From<Whole> for SharedStr {
    fn from(whole: Whole) -> Self {
        let hi = u32::try_from(whole.len()).expect("texts of a service file are below 4 GiB");
        Self { whole: Arc::new(whole), lo: 0, hi }
    }
}

impl From<Arc<str>> for SharedStr {
    fn from(text: Arc<str>) -> Self {
        Self::from(Whole::Shared(text))
    }
}

impl From<&str> for SharedStr {
    fn from(text: &str) -> Self {
        Self::from(Whole::Own(text.into()))
    }
}

impl From<String> for SharedStr {
    fn from(text: String) -> Self {
        Self::from(Whole::Own(text.into()))
    }
}

impl Default for SharedStr {
    fn default() -> Self {
        Self::from("")
    }
}

impl Deref for SharedStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for SharedStr {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<Path> for SharedStr {
    fn as_ref(&self) -> &Path {
        self.as_str().as_ref()
    }
}

impl Borrow<str> for SharedStr {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for SharedStr {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<str> for SharedStr {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for SharedStr {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Eq for SharedStr {}

impl PartialOrd for SharedStr {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedStr {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other)
    }
}

impl std::hash::Hash for SharedStr {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for SharedStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for SharedStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_equal_to_what_it_says_wherever_it_comes_from() {
        let whole = SharedStr::from("command web --port");
        let web = whole.part(8..11);
        assert_eq!(web, "web");
        assert_eq!(web, SharedStr::from("web".to_owned()));
        assert_eq!(web.part(1..3), "eb");
        assert_eq!(format!("{web:?} {web:>4}"), "\"web\"  web");
        assert!(whole.part(12..18).part(2..4) < web);
    }

    #[test]
    #[should_panic(expected = "a piece of a text lies in it")]
    fn a_piece_never_reaches_into_the_text_around_it() {
        let whole = SharedStr::from("abc").part(0..1);
        let _ = whole.part(0..2);
    }
}
