//! Values: what an argument or a property can be read as.

use std::time::Duration;

use crate::base::duration::{self, DurationError};
use crate::base::size::SizeError;
use crate::base::{Name, Signal, Size};
use crate::diagnostic::{Diagnostic, Spanned, suggest};
use crate::schema::{Context, Mask, WrittenValue};
use crate::syntax::{Entry, Value};

/// What values are made of in KDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text, with or without quotes.
    Text,
    /// A number.
    Number,
    /// `#true` or `#false`.
    Flag,
    /// More than one of these.
    Any,
}

/// What a value can be read as.
pub trait FromValue: Sized {
    /// What it is, in the words of a person: `a duration`.
    const TYPE: &'static str;
    /// What its values are made of in KDL.
    const FORM: Form = Form::Text;
    /// The words it can be, when it can be nothing else.
    const WORDS: &'static [&'static str] = &[];
    /// What a node without an argument means, where that means something.
    const BARE: Option<fn() -> Self> = None;

    /// Reads a value. `None` after a mistake, which was said.
    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self>;

    /// Writes it down: a value that is read as the same.
    fn to_value(&self) -> WrittenValue;

    /// Returns what is shown instead of it, when it is not to be shown.
    fn mask(&self) -> Option<Mask> {
        None
    }

    /// Reads a value that has no type annotation, with its place.
    fn read(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Spanned<Self>> {
        cx.no_annotation(entry.ty());
        Self::from_value(entry, cx).map(|value| Spanned::new(value, entry.value_span()))
    }
}

impl FromValue for bool {
    const FORM: Form = Form::Flag;
    const TYPE: &'static str = "`#true` or `#false`";
    const BARE: Option<fn() -> Self> = Some(|| true);

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Bool(value) = entry.value() {
            return Some(value);
        }
        if let Value::String(word @ ("true" | "false" | "yes" | "no" | "on" | "off")) = entry.value() {
            let right = if matches!(word, "true" | "yes" | "on") { "#true" } else { "#false" };
            let diagnostic =
                Diagnostic::error("svc::wrong-type", entry.value_span(), format!("`{word}` is a text"));
            cx.say(diagnostic.help(format!("write `{right}`")).fix(entry.value_span(), right));
            return None;
        }
        cx.wrong(entry, Self::TYPE);
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Bool(*self)
    }
}

impl FromValue for String {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a text";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match entry.value() {
            Value::String(text) | Value::Number(text) => {
                cx.no_variables(text, entry.value_span()).then(|| text.to_owned())
            }
            Value::Bool(value) => {
                let message = format!("`#{value}` is not a text");
                let diagnostic = Diagnostic::error("svc::wrong-type", entry.value_span(), message);
                cx.say(diagnostic.help(format!("quote it: `\"{value}\"`")));
                None
            }
            Value::Null | Value::Bad => {
                cx.wrong(entry, Self::TYPE);
                None
            }
        }
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.clone())
    }
}

/// Reads a whole number as KDL writes it: `10`, `1_000`, `0x1F`, `0o755`, `0b1`.
pub fn integer(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let number = match digits.get(..2) {
        Some("0x") => i64::from_str_radix(&digits[2..], 16),
        Some("0o") => i64::from_str_radix(&digits[2..], 8),
        Some("0b") => i64::from_str_radix(&digits[2..], 2),
        _ => digits.parse(),
    };
    number.ok().map(|number| if negative { -number } else { number })
}

/// Reads a whole number between two bounds, both included.
pub fn bounded(
    entry: Entry<'_>,
    (low, high): (i64, i64),
    expected: &str,
    cx: &mut Context<'_>,
) -> Option<i64> {
    if let Value::String(text) = entry.value()
        && integer(text).is_some_and(|number| (low..=high).contains(&number))
    {
        let diagnostic = Diagnostic::error(
            "svc::wrong-type",
            entry.value_span(),
            format!("`{text}` is a text, not a number"),
        );
        cx.say(diagnostic.help("write it without quotes").fix(entry.value_span(), text));
        return None;
    }
    match entry.value() {
        Value::Number(text) => match integer(text) {
            Some(number) if (low..=high).contains(&number) => Some(number),
            found => {
                let message = match found {
                    Some(number) if number < low => format!("{text} is too small"),
                    Some(_) => format!("{text} is too large"),
                    None => format!("{text} is no whole number"),
                };
                let help = match high >= i64::from(u32::MAX) {
                    true => format!("{expected}, {low} or more"),
                    false => format!("{expected}, from {low} to {high}"),
                };
                cx.say(Diagnostic::error("svc::out-of-range", entry.value_span(), message).help(help));
                None
            }
        },
        _ => {
            cx.wrong(entry, expected);
            None
        }
    }
}

impl FromValue for u32 {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a whole number";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        bounded(entry, (0, i64::from(u32::MAX)), Self::TYPE, cx).map(|number| number as u32)
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.to_string())
    }
}

impl FromValue for f64 {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a number";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Number(text) = entry.value() {
            let plain: String = text.chars().filter(|c| *c != '_').collect();
            if let Some(number) = plain.parse().ok().or_else(|| integer(text).map(|number| number as f64)) {
                return Some(number);
            }
        }
        cx.wrong(entry, Self::TYPE);
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.to_string())
    }
}

impl FromValue for Duration {
    const TYPE: &'static str = "a duration";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = entry.value_span();
        let diagnostic = match entry.value() {
            Value::String(text) => match duration::parse(text) {
                Ok(duration) => return Some(duration),
                Err(DurationError::MissingUnit) => missing_unit(span, text, TIMES),
                Err(error) => {
                    let message = match error {
                        DurationError::Empty | DurationError::MissingUnit | DurationError::Malformed => {
                            format!("`{text}` is no duration")
                        }
                        DurationError::Order | DurationError::TooLong => {
                            format!("`{text}` is no duration: {error}")
                        }
                    };
                    let diagnostic = Diagnostic::error("svc::bad-duration", span, message);
                    match duration::meant(text) {
                        Some(meant) => diagnostic.help(format!("write `\"{}\"`", duration::Exact(meant))),
                        None => diagnostic.help(
                            "a number with a unit, the largest unit first: `\"500ms\"`, `\"30s\"`, `\"1h30m\"`",
                        ),
                    }
                }
            },
            Value::Number(text) => missing_unit(span, text, TIMES),
            Value::Bool(_) | Value::Null | Value::Bad => {
                cx.wrong(entry, Self::TYPE);
                return None;
            }
        };
        cx.say(diagnostic);
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(duration::Exact(*self).to_string())
    }
}

impl FromValue for Size {
    const TYPE: &'static str = "a size";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = entry.value_span();
        let diagnostic = match entry.value() {
            Value::String(text) => match Self::parse(text) {
                Ok(size) => return Some(size),
                Err(SizeError::MissingUnit) => missing_unit(span, text, SIZES),
                Err(error) => {
                    let reason = match error {
                        SizeError::MissingUnit | SizeError::Malformed => String::new(),
                        SizeError::TooLarge => format!(": {error}"),
                    };
                    Diagnostic::error("svc::bad-size", span, format!("`{text}` is no size{reason}"))
                        .help("a whole number with `B`, `K`, `M`, `G` or `T`: `\"10M\"`")
                }
            },
            Value::Number(text) => missing_unit(span, text, SIZES),
            Value::Bool(_) | Value::Null | Value::Bad => {
                cx.wrong(entry, Self::TYPE);
                return None;
            }
        };
        cx.say(diagnostic);
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

/// Says that a unit is missing. `units` are two that may have been meant, with their names.
fn missing_unit(span: crate::diagnostic::Span, text: &str, units: [(&str, &str); 2]) -> Diagnostic {
    let [(one, its_name), (other, other_name)] = units;
    Diagnostic::error("svc::missing-unit", span, format!("{text} has no unit"))
        .help(format!("write `\"{text}{one}\"` for {its_name}, `\"{text}{other}\"` for {other_name}"))
}

const TIMES: [(&str, &str); 2] = [("s", "seconds"), ("ms", "milliseconds")];
const SIZES: [(&str, &str); 2] = [("M", "megabytes"), ("B", "bytes")];

impl FromValue for Signal {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a signal";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let (Value::String(text) | Value::Number(text)) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let signal = Self::parse(text);
        if signal.is_none() {
            let diagnostic = Diagnostic::error(
                "svc::unknown-signal",
                entry.value_span(),
                format!("there is no signal `{text}`"),
            );
            cx.say(match suggest::nearest(text, Self::names()) {
                Some(near) => {
                    diagnostic.help(format!("did you mean `{near}`?")).fix(entry.value_span(), near)
                }
                None => diagnostic.help("see signal(7) for the names"),
            });
        }
        signal
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

impl FromValue for Name {
    const TYPE: &'static str = "a name";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        name(text, entry.value_span(), cx)
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

/// Checks a name that was written at `span`.
pub fn name(text: &str, span: crate::diagnostic::Span, cx: &mut Context<'_>) -> Option<Name> {
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let diagnostic =
                Diagnostic::error("svc::bad-name", span, format!("`{text}` is no name: {error}"));
            let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            cx.say(match inner {
                Some(inner) => diagnostic
                    .help(format!("single quotes are not quotes in KDL: write `\"{inner}\"`"))
                    .fix(span, format!("\"{inner}\"")),
                None => diagnostic.help("letters, digits, `_` and `-`, the first one a letter or `_`"),
            });
            None
        }
    }
}

/// Reads one of a set of words; `foreign` are other tools' words with ours.
pub fn word<T: Copy>(
    text: &str,
    span: crate::diagnostic::Span,
    words: &[(&'static str, T)],
    foreign: &[(&str, &'static str)],
    cx: &mut Context<'_>,
) -> Option<T> {
    if let Some(&(_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(value);
    }
    let known = words.iter().map(|(word, _)| *word);
    let ours = foreign.iter().find(|(word, _)| suggest::same(word, text)).map(|(_, ours)| *ours);
    let all = known.clone().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let diagnostic = Diagnostic::error("svc::unknown-word", span, format!("`{text}` is none of {all}"));
    let near = words.iter().map(|(word, _)| *word).find(|word| suggest::same(word, text));
    cx.say(match (ours, near.or_else(|| suggest::nearest(text, known))) {
        (Some(ours), _) => diagnostic.help(format!("that is called `{ours}` here")).fix(span, ours),
        (None, Some(near)) => diagnostic.help(format!("did you mean `{near}`?")).fix(span, near),
        (None, None) => diagnostic,
    });
    None
}

/// Makes an enum readable by its words, and writable: `words! { Type "a policy", FOREIGN; "never" Type::Never, … }`.
macro_rules! words {
    ($ty:ty, $what:literal, $foreign:expr; $( $word:literal $value:expr ),* $(,)?) => {
        impl $crate::schema::FromValue for $ty {
            const WORDS: &'static [&'static str] = &[$($word),*];
            const TYPE: &'static str = concat!($what $(, ", `", $word, "`")*);

            fn from_value(entry: $crate::syntax::Entry<'_>, cx: &mut $crate::schema::Context<'_>) -> Option<Self> {
                let $crate::syntax::Value::String(text) = entry.value() else {
                    cx.wrong(entry, $what);
                    return None;
                };
                $crate::schema::value::word(text, entry.value_span(), &[$(($word, $value)),*], $foreign, cx)
            }

            fn to_value(&self) -> $crate::schema::WrittenValue {
                let word = [$(($word, $value)),*].into_iter().find(|(_, value)| value == self);
                let word = word.map_or_else(String::new, |(word, _)| word.to_owned());
                $crate::schema::WrittenValue::Text(word)
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_in_every_base() {
        for (text, number) in
            [("10", 10), ("1_000", 1000), ("0x1F", 31), ("0o755", 493), ("0b11", 3), ("-5", -5), ("+5", 5)]
        {
            assert_eq!(integer(text), Some(number), "{text}");
        }
        for text in ["", "1.5", "x", "#inf", "99999999999999999999"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
