//! Names of services, tasks, templates and projects.

use std::fmt;
use std::sync::Arc;

/// A name as a person wrote it: of a service, a task, a template, a port or a project.
///
/// One to 64 characters: ASCII letters, digits, `_` and `-`, the first one a letter or `_`. A dot is
/// not allowed because `api.0` is an instance of `api`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It has more than 64 characters.
    TooLong,
    /// It holds this character, at this byte, where it may not stand.
    Character(char, usize),
}

impl Name {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 64;

    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule `text` breaks.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        for (at, c) in text.char_indices() {
            let allowed = c.is_ascii_alphabetic() || c == '_' || (at > 0 && (c.is_ascii_digit() || c == '-'));
            if !allowed {
                return Err(NameError::Character(c, at));
            }
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Name> for Arc<str> {
    fn from(name: &Name) -> Self {
        name.0.clone()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one character"),
            Self::TooLong => write!(f, "a name has at most {} characters", Name::MAX_LENGTH),
            Self::Character(c, 0) => write!(f, "a name cannot start with `{}`", c.escape_default()),
            Self::Character(c, _) => write!(f, "a name cannot contain `{}`", c.escape_default()),
        }
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for text in ["a", "api", "web-1", "_hidden", "API_v2"] {
            assert_eq!(Name::new(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn a_bad_name_says_where_it_is_bad() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new("1up"), Err(NameError::Character('1', 0)));
        assert_eq!(Name::new("api.0"), Err(NameError::Character('.', 3)));
        assert_eq!(Name::new("é"), Err(NameError::Character('é', 0)));
        assert_eq!(Name::new(&"a".repeat(65)), Err(NameError::TooLong));
    }
}
