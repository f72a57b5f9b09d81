//! `schedule` and `every`: when a task runs by itself.

use std::time::Duration;

use crate::base::cron::{Cron, CronError, Zone};
use crate::diagnostic::{Diagnostic, Span, Spanned, suggest};
use crate::model::schedule::{Overlap, Schedule, When};
use crate::schema::{Context, FromValue, WrittenValue, nodes, words};
use crate::syntax::{Entry, Value};

nodes! {
    /// When a task runs by itself, by the calendar.
    ScheduleNode {
        /// A cron line, in quotes: minute, hour, day, month, day of the week; or `@hourly`, `@daily`, …
        arg cron "cron": Cron = "";
        /// The time zone it is meant in.
        prop timezone "timezone": Zone = "the machine's";
        /// What happens when the run before has not ended.
        prop overlap "overlap": Overlap = "skip";
        /// Whether it also runs when svc starts.
        prop run_on_start "run-on-start": bool = "#false";
    }

    /// How often a task runs by itself.
    EveryNode {
        /// The time from one start to the next.
        arg period "period": Duration = "";
        /// What happens when the run before has not ended.
        prop overlap "overlap": Overlap = "skip";
        /// Whether it also runs when svc starts.
        prop run_on_start "run-on-start": bool = "#false";
    }
}

/// What comes more often than this is no task.
const SHORTEST: Duration = Duration::from_secs(1);

words! { Overlap, "what happens when the run before has not ended", &[
        ("forbid", "skip"), ("Forbid", "skip"), ("wait", "queue"), ("Replace", "replace"), ("restart", "replace"),
    ];
    "skip" Overlap::Skip, "queue" Overlap::Queue, "replace" Overlap::Replace,
}

impl FromValue for Cron {
    const TYPE: &'static str = "a cron line";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, "a cron line, such as `\"0 3 * * *\"`");
            return None;
        };
        if !cx.no_variables(text, entry.value_span()) {
            return None;
        }
        let error = match Self::parse(text) {
            Ok(cron) => return Some(cron),
            Err(error) => error,
        };
        let first = cx.verbatim(text, entry.value_span());
        let place = |place: std::ops::Range<usize>| match first {
            Some(first) => Span::new(first + place.start as u32, first + place.end as u32),
            None => entry.value_span(),
        };
        cx.say(match error {
            CronError::Fields(count) => {
                let message = format!("a cron line has five fields, not {count}");
                let help = match count {
                    6 => "there is no field for seconds; `every \"10s\"` is for what comes more often than once a minute",
                    _ => "minute, hour, day of the month, month, day of the week: `\"0 3 * * *\"` is every night at three",
                };
                Diagnostic::error("svc::bad-cron", entry.value_span(), message).help(help)
            }
            CronError::Word => {
                let word = text.trim();
                let diagnostic =
                    Diagnostic::error("svc::bad-cron", entry.value_span(), format!("there is no `{word}`"));
                match suggest::nearest(word, Self::WORDS) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help(format!("one of {}, or five fields", Self::WORDS.join(", "))),
                }
            }
            CronError::Field(field, at) => {
                let (what, range) = field.words();
                let message = format!("`{}` is no {what}", &text[at.clone()]);
                Diagnostic::error("svc::bad-cron", place(at), message)
                    .here(range)
                    .help("`*` is any, `1-5` a range, `1,3` a list, `*/15` every fifteenth")
            }
            CronError::Never(at) => {
                Diagnostic::error("svc::bad-cron", place(at), format!("`{text}` never comes"))
                    .here("no month has this day")
                    .help("the last day of every month is `L`: `\"0 0 L * *\"`")
            }
        });
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

impl FromValue for Zone {
    const TYPE: &'static str = "a time zone";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, "a time zone, such as `\"Europe/Berlin\"`");
            return None;
        };
        let found = Self::find(text);
        if found.is_none() {
            let span = entry.value_span();
            let diagnostic =
                Diagnostic::error("svc::unknown-zone", span, format!("there is no time zone `{text}`"));
            let names = Self::names();
            // People know the city and not the continent. An abbreviation is near to others and near to
            // nothing that was meant.
            let near = match text.contains('/') {
                true => suggest::nearest(text, names.iter().map(String::as_str)),
                false => {
                    let meant = |name: &&String| {
                        name.rsplit_once('/')
                            .is_some_and(|(_, city)| suggest::nearest(text, [city]).is_some())
                    };
                    names.iter().find(meant).map(String::as_str)
                }
            };
            cx.say(match near {
                Some(near) => {
                    diagnostic.help(format!("did you mean `{near}`?")).fix(span, format!("{near:?}"))
                }
                None => diagnostic
                    .help("name a continent and a city, as in `\"Europe/Berlin\"`, or write `\"UTC\"`"),
            });
        }
        found
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

impl ScheduleNode {
    /// Makes a schedule of the node; `None` after a mistake.
    pub fn schedule(&self) -> Option<Spanned<Schedule>> {
        let zone = self.timezone.as_ref().map(|zone| zone.value.clone());
        let schedule = Schedule {
            when: When::Cron { line: self.cron.as_ref()?.value.clone(), zone },
            overlap: self.overlap.map_or(Overlap::Skip, |overlap| overlap.value),
            run_on_start: self.run_on_start.is_some_and(|run| run.value),
        };
        Some(Spanned::new(schedule, self.span))
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        if self.cron.is_none() {
            let help = "write a cron line: `schedule \"0 3 * * *\"`";
            cx.lacks(self.span, self.mistaken, "`schedule` does not say when", help);
        }
    }
}

impl EveryNode {
    /// Makes a schedule of the node; `None` after a mistake.
    pub fn schedule(&self) -> Option<Spanned<Schedule>> {
        let schedule = Schedule {
            when: When::Every(self.period?.value),
            overlap: self.overlap.map_or(Overlap::Skip, |overlap| overlap.value),
            run_on_start: self.run_on_start.is_some_and(|run| run.value),
        };
        Some(Spanned::new(schedule, self.span))
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        match self.period {
            None => {
                let help = "write a duration: `every \"15m\"`";
                cx.lacks(self.span, self.mistaken, "`every` does not say how often", help);
            }
            Some(period) if period.value < SHORTEST => {
                cx.say(
                    Diagnostic::error(
                        "svc::out-of-range",
                        period.span,
                        "a task can run once a second at most",
                    )
                    .help("what has to run all the time is a `service`"),
                );
            }
            Some(_) => {}
        }
    }
}
