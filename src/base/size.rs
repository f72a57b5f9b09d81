//! Sizes in bytes as people write them: `"10M"`, `"512KiB"`.

use std::fmt;

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Units with their power of 1024. `K` and `KiB` mean the same: sizes here are 1024-based.
const UNITS: &[(&str, u32)] =
    &[("B", 0), ("K", 1), ("M", 2), ("G", 3), ("T", 4), ("KiB", 1), ("MiB", 2), ("GiB", 3), ("TiB", 4)];

/// Why a text is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// A number stands without a unit.
    MissingUnit,
    /// It is not a whole number followed by a unit.
    Malformed,
    /// It does not fit into 64 bits.
    TooLarge,
}

impl Size {
    /// Reads a whole number followed by `B K M G T` or `KiB MiB GiB TiB`.
    ///
    /// # Errors
    ///
    /// [`SizeError`] says what is wrong with `text`.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        if number.is_empty() {
            return Err(SizeError::Malformed);
        }
        if unit.is_empty() {
            return Err(SizeError::MissingUnit);
        }
        let &(_, power) = UNITS.iter().find(|&&(name, _)| name == unit).ok_or(SizeError::Malformed)?;
        let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
        number.checked_mul(1024u64.pow(power)).map(Self).ok_or(SizeError::TooLarge)
    }
}

impl fmt::Display for Size {
    /// Shows the size with the largest unit that divides it, as [`Size::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |power: u32| self.0 != 0 && self.0.is_multiple_of(1024u64.pow(power));
        let &(name, power) = UNITS[..5].iter().rev().find(|&&(_, power)| divides(power)).unwrap_or(&UNITS[0]);
        f.pad(&format!("{}{name}", self.0 / 1024u64.pow(power)))
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingUnit => "the unit is missing",
            Self::Malformed => "a size is a whole number with a unit, as `10M`",
            Self::TooLarge => "the size does not fit into 64 bits",
        })
    }
}

impl std::error::Error for SizeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_1024_based() {
        assert_eq!(Size::parse("10M"), Ok(Size(10 << 20)));
        assert_eq!(Size::parse("10MiB"), Ok(Size(10 << 20)));
        assert_eq!(Size::parse("0B"), Ok(Size(0)));
    }

    #[test]
    fn what_is_no_size_says_why() {
        assert_eq!(Size::parse("10"), Err(SizeError::MissingUnit));
        for text in ["", "M", "10 M", "10MB", "-1K", "1.5G"] {
            assert_eq!(Size::parse(text), Err(SizeError::Malformed), "{text}");
        }
        assert_eq!(Size::parse("99999999999T"), Err(SizeError::TooLarge));
    }

    #[test]
    fn a_size_prints_as_it_is_read() {
        for text in ["0B", "1K", "10M", "1536K", "3G", "1023B"] {
            assert_eq!(Size::parse(text).expect(text).to_string(), text);
        }
    }
}
