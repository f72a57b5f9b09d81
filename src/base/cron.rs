//! Cron lines: `0 3 * * *`, and time zones by name.
//!
//! Five fields as in crontab(5), with `L`, `W`, `#` and names, or one of the words `@hourly` and so on.
//! There is no field for seconds: what comes more often than once a minute is an interval. A zone comes
//! from the database that is built in, so that a name means the same on a machine without one.

use std::fmt;
use std::ops::Range;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};

/// When something recurs by the calendar; it comes at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    line: Box<croner::Cron>,
}

/// Why a text is no cron line. Places are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CronError {
    /// It has this many fields, and not five.
    Fields(usize),
    /// It begins with `@` and is none of the words.
    Word,
    /// This field cannot be read.
    Field(Field, Range<usize>),
    /// There is no such day, from the day's field to the month's.
    Never(Range<usize>),
}

/// A field of a cron line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The first.
    Minute,
    /// The second.
    Hour,
    /// The third: the day of the month.
    Day,
    /// The fourth.
    Month,
    /// The fifth: the day of the week.
    Weekday,
}

impl Field {
    /// Every field, in order.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Weekday];

    /// Returns what the field says, and what it goes from and to.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Minute => ("minute", "minutes go from 0 to 59"),
            Self::Hour => ("hour", "hours go from 0 to 23"),
            Self::Day => ("day of the month", "days go from 1 to 31; `L` is the last"),
            Self::Month => ("month", "months go from 1 to 12, or `JAN` to `DEC`"),
            Self::Weekday => ("day of the week", "days go from 0, Sunday, to 7, or `SUN` to `SAT`"),
        }
    }
}

impl Cron {
    /// The words that stand for a line.
    pub const WORDS: [&str; 7] =
        ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

    /// Reads a cron line.
    ///
    /// # Errors
    ///
    /// [`CronError`] says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let trimmed = text.trim();
        if trimmed.starts_with('@') && !Self::WORDS.contains(&trimmed) {
            return Err(CronError::Word);
        }
        if !trimmed.starts_with('@') {
            check_fields(text)?;
        }
        // Each field can be read, so what cannot be are fields that exclude each other.
        let line = parser().parse(trimmed).map_err(|_| CronError::Never(0..text.len()))?;
        let cron = Self { text: trimmed.to_owned(), line: Box::new(line) };
        match cron.next(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC)) {
            Some(_) => Ok(cron),
            None => {
                let fields = fields(text);
                let place = fields.get(2).zip(fields.get(3));
                Err(CronError::Never(place.map_or(0..text.len(), |(day, month)| day.start..month.end)))
            }
        }
    }

    /// Returns the first time after `after` that it means, in the same zone. `None` past the end of
    /// the calendar.
    pub fn next(&self, after: &Zoned) -> Option<Zoned> {
        self.line.find_next_occurrence(after, false).ok()
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// Reads each field by itself, so that the wrong one can be named.
fn check_fields(text: &str) -> Result<(), CronError> {
    let fields = fields(text);
    if fields.len() != Field::ALL.len() {
        return Err(CronError::Fields(fields.len()));
    }
    for (at, place) in fields.into_iter().enumerate() {
        let mut alone = ["*"; Field::ALL.len()];
        alone[at] = &text[place.clone()];
        if parser().parse(&alone.join(" ")).is_err() {
            return Err(CronError::Field(Field::ALL[at], place));
        }
    }
    Ok(())
}

/// Returns where the fields are.
fn fields(text: &str) -> Vec<Range<usize>> {
    let offset = |field: &str| field.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|field| offset(field)..offset(field) + field.len()).collect()
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Looks up a zone: `Europe/Berlin`, `UTC`. Letter case does not count.
    pub fn find(name: &str) -> Option<Self> {
        TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// Returns the names of all zones.
    pub fn names() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
    }

    /// Returns the zone, to make times in.
    pub fn zone(&self) -> &TimeZone {
        &self.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next three times of a line after the beginning of 2025, in a zone.
    fn next(line: &str, zone: &str) -> Vec<String> {
        let cron = Cron::parse(line).expect(line);
        let zone = Zone::find(zone).expect(zone);
        let start: Timestamp = "2025-01-01T00:00:00Z".parse().expect("a time");
        let mut at = start.to_zoned(zone.zone().clone());
        let mut times = Vec::new();
        while times.len() < 3 {
            at = cron.next(&at).expect("it comes again");
            times.push(at.strftime("%m-%d %H:%M").to_string());
        }
        times
    }

    #[test]
    fn a_line_means_what_crontab_says() {
        assert_eq!(next("0 3 * * *", "UTC"), ["01-01 03:00", "01-02 03:00", "01-03 03:00"]);
        assert_eq!(next("*/20 8 * * MON", "UTC"), ["01-06 08:00", "01-06 08:20", "01-06 08:40"]);
        assert_eq!(next("0 0 L * *", "UTC"), ["01-31 00:00", "02-28 00:00", "03-31 00:00"]);
        assert_eq!(next("@monthly", "UTC"), ["02-01 00:00", "03-01 00:00", "04-01 00:00"]);
    }

    #[test]
    fn a_zone_moves_the_times_and_its_clock_change_skips_none() {
        assert_eq!(next("0 3 * * *", "Asia/Tokyo")[0], "01-02 03:00");
        // On the 30th of March there is no half past two in Berlin.
        assert_eq!(next("30 2 29-31 3 *", "Europe/Berlin"), ["03-29 02:30", "03-30 03:00", "03-31 02:30"]);
    }

    #[test]
    fn the_wrong_field_is_named_with_its_place() {
        assert_eq!(Cron::parse("0 3 * *"), Err(CronError::Fields(4)));
        assert_eq!(Cron::parse("0 0 3 * * *"), Err(CronError::Fields(6)));
        assert_eq!(Cron::parse("@nightly"), Err(CronError::Word));
        for (line, field, place) in [
            ("61 3 * * *", Field::Minute, 0..2),
            ("0 24 * * *", Field::Hour, 2..4),
            ("0 3 0 * *", Field::Day, 4..5),
            ("0 3 * JANUARY *", Field::Month, 6..13),
            ("0 3 * * 8", Field::Weekday, 8..9),
            ("0 3 * * @", Field::Weekday, 8..9),
        ] {
            assert_eq!(Cron::parse(line), Err(CronError::Field(field, place)), "{line}");
        }
    }

    #[test]
    fn a_day_that_no_calendar_has_is_refused() {
        assert_eq!(Cron::parse("0 0 30 2 *"), Err(CronError::Never(4..8)));
        assert!(Cron::parse("0 0 29 2 *").is_ok());
    }

    #[test]
    fn a_zone_is_known_by_its_name() {
        assert_eq!(
            Zone::find("europe/berlin").map(|zone| zone.to_string()).as_deref(),
            Some("Europe/Berlin")
        );
        assert_eq!(Zone::find("Europe/Atlantis"), None);
        assert!(Zone::names().iter().any(|name| name == "Asia/Tokyo"));
    }
}
