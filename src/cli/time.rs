//! Times as people give them to a verb.

use jiff::{SignedDuration, Timestamp};

use crate::base::duration;
use crate::cli::exit::{Exit, Trouble};

/// Reads a time: so long ago, or a moment.
///
/// # Errors
///
/// It is neither.
pub fn past(text: &str, now: Timestamp) -> Result<Timestamp, Trouble> {
    if let Ok(ago) = duration::parse(text) {
        let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
        return Ok(now.checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    text.parse().map_err(|_| {
        Trouble::new(Exit::Usage, format!("`{text}` is no time"))
            .help("write how long ago (`10m`, `1h30m`) or a moment (`2026-03-01T12:00:00Z`)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_a_moment() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a timestamp");
        let read = |text: &str| past(text, now).map(|time| time.to_string());
        assert_eq!(read("1h30m").as_deref(), Ok("2026-03-01T10:30:00Z"));
        assert_eq!(read("2026-03-01T11:00:00+01:00").as_deref(), Ok("2026-03-01T10:00:00Z"));
        assert_eq!(read("yesterday").map_err(|trouble| trouble.exit), Err(Exit::Usage));
    }
}
