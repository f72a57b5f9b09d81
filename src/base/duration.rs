//! Durations as people write them: `"500ms"`, `"1h30m"`, `"0s"`.

use std::fmt;
use std::time::Duration;

/// The units, largest first, with their length in nanoseconds.
const UNITS: &[(&str, u64)] = &[
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// There is nothing in it.
    Empty,
    /// A number stands without a unit behind it.
    MissingUnit,
    /// A unit is not one of `d h m s ms us`, or a unit stands without a number.
    Malformed,
    /// A unit stands twice, or behind a smaller one: `10s5m`.
    Order,
    /// It is longer than 100 years.
    TooLong,
}

/// The longest duration that can be written: 100 years of 365 days.
pub const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads a duration: one or more numbers with units, the largest unit first (`1h30m`, `1.5s`).
///
/// Units are `d h m s ms us`; the number may have a fraction; blanks are not allowed.
///
/// # Errors
///
/// [`DurationError`] says what is wrong with `text`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest_allowed = 0;
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        if number.is_empty() {
            return Err(DurationError::Malformed);
        }
        if unit.is_empty() {
            return Err(if after.is_empty() { DurationError::MissingUnit } else { DurationError::Malformed });
        }
        let index = UNITS.iter().position(|&(name, _)| name == unit).ok_or(DurationError::Malformed)?;
        if index < largest_allowed {
            return Err(DurationError::Order);
        }
        largest_allowed = index + 1;
        total = total.checked_add(nanoseconds(number, UNITS[index].1)?).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    let total = Duration::from_nanos(total);
    if total > LONGEST { Err(DurationError::TooLong) } else { Ok(total) }
}

/// Reads what was probably meant by a text that [`parse`] refuses: `30 seconds`, `5min`, `1 h 30 m`.
pub fn meant(text: &str) -> Option<Duration> {
    let mut plain = String::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (word, after) = split(after.trim_start(), char::is_alphabetic);
        plain += number;
        plain += match word.to_ascii_lowercase().as_str() {
            "d" | "day" | "days" => "d",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => "ms",
            "us" | "µs" | "usec" | "microsecond" | "microseconds" => "us",
            _ => return None,
        };
        rest = after.trim_start();
    }
    parse(&plain).ok()
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// Multiplies a decimal number by a unit without going through floating point.
fn nanoseconds(number: &str, unit: u64) -> Result<u64, DurationError> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !whole.is_empty() && !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(DurationError::Malformed),
        None => (number, ""),
    };
    if fraction.contains('.') {
        return Err(DurationError::Malformed);
    }
    let whole: u64 = whole.parse().map_err(|_| DurationError::TooLong)?;
    let mut total = u128::from(whole) * u128::from(unit);
    let mut place = u128::from(unit);
    for digit in fraction.bytes() {
        place /= 10;
        total += u128::from(digit - b'0') * place;
    }
    u64::try_from(total).map_err(|_| DurationError::TooLong)
}

/// Shows a duration the way [`parse`] reads it, exactly: `1h30m`, `1s500ms`, `0s`.
#[derive(Clone, Copy, Debug)]
pub struct Exact(pub Duration);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest < 1_000 {
            return f.pad("0s");
        }
        let mut text = String::new();
        for &(name, length) in UNITS {
            let count = rest / u128::from(length);
            rest %= u128::from(length);
            if count > 0 {
                text.push_str(&format!("{count}{name}"));
            }
        }
        f.pad(&text)
    }
}

/// Shows a duration for a person, with at most two units: `340ms`, `2.1s`, `3m05s`, `2d04h`.
#[derive(Clone, Copy, Debug)]
pub struct Rough(pub Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let s = self.0.as_secs();
        f.pad(&match s {
            0 => format!("{ms}ms"),
            1..10 => format!("{}.{}s", s, ms % 1000 / 100),
            10..60 => format!("{s}s"),
            60..3600 => format!("{}m{:02}s", s / 60, s % 60),
            3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
            _ => format!("{}d{:02}h", s / 86_400, s / 3600 % 24),
        })
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a duration is a number with a unit",
            Self::MissingUnit => "the unit is missing",
            Self::Malformed => "a duration is a number with a unit, as `30s`",
            Self::Order => "units go from the largest to the smallest, each once",
            Self::TooLong => "a duration is at most 100 years",
        })
    }
}

impl std::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Result<u128, DurationError> {
        parse(text).map(|d| d.as_millis())
    }

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(ms("0s"), Ok(0));
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!(ms("1.5s"), Ok(1500));
        assert_eq!(ms("2d"), Ok(172_800_000));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        assert_eq!(ms(""), Err(DurationError::Empty));
        assert_eq!(ms("10"), Err(DurationError::MissingUnit));
        for text in ["s", "10 s", "10sec", "1.s", ".5s", "1.2.3s", "-1s", "é"] {
            assert_eq!(ms(text), Err(DurationError::Malformed), "{text}");
        }
        assert_eq!(ms("10s5m"), Err(DurationError::Order));
        assert_eq!(ms("1s1s"), Err(DurationError::Order));
        assert_eq!(ms("99999999999999999999s"), Err(DurationError::TooLong));
        assert_eq!(ms("40000d"), Err(DurationError::TooLong));
    }

    #[test]
    fn what_was_meant_is_guessed_from_words_and_blanks() {
        for (text, plain) in [
            ("30 seconds", "30s"),
            ("5min", "5m"),
            ("1 h 30 m", "1h30m"),
            (" 10 Sec ", "10s"),
            ("3µs", "3us"),
        ] {
            assert_eq!(meant(text).map(|meant| Exact(meant).to_string()).as_deref(), Some(plain), "{text}");
        }
        for text in ["", "10", "soon", "10 parsecs", "5s 1h", "s"] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn an_exact_duration_is_read_back_as_it_was() {
        for text in ["0s", "500ms", "1h30m", "1s500ms", "10us", "1d2h3m4s5ms6us"] {
            assert_eq!(Exact(parse(text).expect(text)).to_string(), text);
        }
    }
}
