//! How many instances a service has, and what they are called.

use std::fmt;

use crate::diagnostic::Spanned;

/// How many instances there are, each with a number in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// How many, at least one.
    pub count: Spanned<u32>,
    /// What they are called; `None` for the service's name, a dot and the number.
    pub name: Option<Box<Spanned<Pattern>>>,
}

/// A name with a place for a number: `web_%02d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    /// The least number of digits.
    width: usize,
    after: String,
}

impl Pattern {
    /// Reads a name with `%d` or `%0Nd` in it once; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once('%')?;
        let (format, after) = rest.split_once('d')?;
        let width = match format.strip_prefix('0') {
            Some(digits) => digits.parse().ok().filter(|width| (1..=9).contains(width))?,
            None if format.is_empty() => 1,
            None => return None,
        };
        let pattern = Self { before: before.to_owned(), width, after: after.to_owned() };
        (!after.contains('%')).then_some(pattern)
    }

    /// Returns the name with this number.
    pub fn name(&self, number: u32) -> String {
        let Self { before, width, after } = self;
        format!("{before}{number:0width$}{after}")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, width, after } = self;
        match width {
            1 => write!(f, "{before}%d{after}"),
            width => write!(f, "{before}%0{width}d{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_a_number_with_leading_zeros() {
        let name = |text, number| Pattern::parse(text).map(|pattern| pattern.name(number));
        assert_eq!(name("web_%02d", 7).as_deref(), Some("web_07"));
        assert_eq!(name("web_%02d", 123).as_deref(), Some("web_123"));
        assert_eq!(name("%d-web", 0).as_deref(), Some("0-web"));
        for text in ["web_%02d", "%d-web"] {
            assert_eq!(Pattern::parse(text).map(|pattern| pattern.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_pattern_has_one_place_for_the_number() {
        for text in ["web", "web%", "web%s", "%d%d", "%d%", "%2d", "%0d", "%012d"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }
}
