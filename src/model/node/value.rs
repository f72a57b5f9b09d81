//! Values of a service file that are more than a number or a word.

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::policy::{Condition, Consequence, LivenessFailure, RestartWhen};
use crate::model::service::FilePath;
use crate::model::text::Text;
use crate::schema::value::bounded;
use crate::schema::{Context, Form, FromValue, HIDDEN, Mask, WrittenValue, words};
use crate::syntax::{Entry, Value};

impl FromValue for Text {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a text";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = entry.value_span();
        match entry.value() {
            Value::String(text) | Value::Number(text) => {
                let (raw, verbatim) = cx.shared(text, span);
                Some(Self::new(raw, span, verbatim))
            }
            Value::Bool(value) => {
                let message = format!("`#{value}` is not a text");
                let help = format!("quote it: `\"{value}\"`");
                cx.say(Diagnostic::error("svc::wrong-type", span, message).help(help));
                None
            }
            Value::Null | Value::Bad => {
                cx.wrong(entry, Self::TYPE);
                None
            }
        }
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.written())
    }

    fn mask(&self) -> Option<Mask> {
        self.secret.then_some(Mask::Marked(HIDDEN))
    }

    /// Reads a value that may be marked as one that is not to be shown: `(secret)"…"`.
    fn read(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Spanned<Self>> {
        let secret = matches!(entry.ty(), Some(("secret", _)));
        if !secret {
            cx.no_annotation(entry.ty());
        }
        let mut text = Self::from_value(entry, cx)?;
        text.secret = secret;
        Some(Spanned::new(text, entry.value_span()))
    }
}

/// A URL that is asked.
#[derive(Clone, Debug)]
pub struct Url(pub Text);

impl FromValue for Url {
    const FORM: Form = Text::FORM;
    const TYPE: &'static str = Text::TYPE;

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        Text::from_value(entry, cx).map(Self)
    }

    fn to_value(&self) -> WrittenValue {
        self.0.to_value()
    }

    fn mask(&self) -> Option<Mask> {
        // Only a URL is read in its place; nobody can have this one (RFC 2606).
        self.0.secret.then_some(Mask::Marked("http://secret.invalid/***"))
    }

    fn read(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Spanned<Self>> {
        Text::read(entry, cx).map(|text| Spanned::new(Self(text.value), text.span))
    }
}

/// A text that is open for everybody, so that it cannot be marked as one that is not to be shown: only what has a certain
/// form is read in its place.
#[derive(Clone, Debug)]
pub struct OpenText(pub Text);

impl FromValue for OpenText {
    const FORM: Form = Text::FORM;
    const TYPE: &'static str = Text::TYPE;

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        Text::from_value(entry, cx).map(Self)
    }

    fn to_value(&self) -> WrittenValue {
        self.0.to_value()
    }
}

impl FromValue for FilePath {
    const TYPE: &'static str = "a path";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = Text::from_value(entry, cx)?;
        if text.raw.is_empty() || text.raw.contains('\0') {
            cx.say(
                Diagnostic::error("svc::bad-path", entry.value_span(), "this is no path")
                    .help("`\".\"` is the folder of this file"),
            );
            return None;
        }
        Some(Self { text, folder: cx.folder.clone() })
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Path(self.text.written(), self.folder.clone())
    }
}

/// A file mode, or a mask for one: octal digits in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl FromValue for Mode {
    const TYPE: &'static str = "an octal mode in quotes";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let (Value::String(text) | Value::Number(text)) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let quoted = matches!(entry.value(), Value::String(_));
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777 && digits.len() <= 4);
        let span = entry.value_span();
        match mode {
            Some(mode) if quoted => return Some(Self(mode)),
            Some(_) => {
                let right = format!("\"{digits}\"");
                let message = "a mode is written in quotes, because it is octal";
                cx.say(
                    Diagnostic::error("svc::bad-mode", span, message)
                        .help(format!("write `{right}`"))
                        .fix(span, right),
                );
            }
            None => cx.say(
                Diagnostic::error("svc::bad-mode", span, format!("`{text}` is no octal mode"))
                    .help("from `\"000\"` to `\"777\"`"),
            ),
        }
        None
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(format!("{:03o}", self.0))
    }
}

/// The status codes of HTTP that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange(pub u16, pub u16);

impl FromValue for StatusRange {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a status or a range of them";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let (Value::String(text) | Value::Number(text)) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        match (low.parse::<u16>(), high.parse::<u16>()) {
            (Ok(low @ 100..=599), Ok(high @ 100..=599)) if low <= high => Some(Self(low, high)),
            _ => {
                let message = format!("`{text}` is no status of HTTP");
                cx.say(
                    Diagnostic::error("svc::bad-status", entry.value_span(), message)
                        .help("write `200` or `\"200..299\"`"),
                );
                None
            }
        }
    }

    fn to_value(&self) -> WrittenValue {
        match self {
            Self(low, high) if low == high => WrittenValue::Number(low.to_string()),
            Self(low, high) => WrittenValue::Text(format!("{low}..{high}")),
        }
    }
}

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub i32);

impl FromValue for ExitCode {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "an exit code";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        bounded(entry, (0, 255), Self::TYPE, cx).map(|code| Self(code as i32))
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.0.to_string())
    }
}

/// A number that is at least one: of replicas, of failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub u32);

impl FromValue for Count {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a count";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        bounded(entry, (1, 100_000), Self::TYPE, cx).map(|count| Self(count as u32))
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.0.to_string())
    }
}

/// The number of a descriptor above the standard ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor(pub u32);

impl FromValue for Descriptor {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a descriptor";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        bounded(entry, (3, 1023), Self::TYPE, cx).map(|fd| Self(fd as u32))
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.0.to_string())
    }
}

/// Where the output goes.
#[derive(Clone, Debug)]
pub enum Output {
    /// Nowhere.
    None,
    /// To where svc's own output goes.
    Inherit,
    /// To this file.
    File(FilePath),
}

impl FromValue for Output {
    const TYPE: &'static str = "a path, `none` or `inherit`";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match entry.value() {
            Value::String("none") => Some(Self::None),
            Value::String("inherit") => Some(Self::Inherit),
            _ => FilePath::from_value(entry, cx).map(Self::File),
        }
    }

    fn to_value(&self) -> WrittenValue {
        match self {
            Self::None => WrittenValue::Text("none".to_owned()),
            Self::Inherit => WrittenValue::Text("inherit".to_owned()),
            Self::File(path) => path.to_value(),
        }
    }
}

/// The word of a probe that is no probe: the service announces its readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify;

words! { Notify, "how the service says that it is ready", &[("sd_notify", "notify"), ("sd-notify", "notify")]; "notify" Notify }

words! { RestartWhen, "when it is started again", &[
        ("no", "never"), ("false", "never"), ("unless-stopped", "always"), ("true", "always"), ("yes", "always"),
        ("unexpected", "on-failure"), ("on-abnormal", "on-failure"), ("on-abort", "on-failure"),
        ("exit_on_failure", "never"),
    ];
    "never" RestartWhen::Never, "on-failure" RestartWhen::OnFailure, "always" RestartWhen::Always,
}

words! { Consequence, "what it leads to", &[("exit", "shutdown"), ("stop", "shutdown")];
    "ignore" Consequence::Ignore, "shutdown" Consequence::Shutdown,
}

words! { LivenessFailure, "what it leads to", &[("kill", "restart"), ("none", "ignore"), ("exit", "shutdown")];
    "ignore" LivenessFailure::Ignore, "restart" LivenessFailure::Restart, "stop" LivenessFailure::Stop,
    "shutdown" LivenessFailure::Shutdown,
}

/// Other tools' conditions.
pub(crate) const CONDITIONS: &[(&str, &str)] = &[
    ("service_started", "started"),
    ("process_started", "started"),
    ("service_healthy", "healthy"),
    ("process_healthy", "healthy"),
    ("process_log_ready", "log-ready"),
    ("process_completed", "completed"),
    ("process_completed_successfully", "completed-successfully"),
    ("service_completed_successfully", "completed-successfully"),
    ("success", "completed-successfully"),
    ("running", "started"),
];

impl FromValue for Condition {
    const TYPE: &'static str = "a condition";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        crate::schema::value::word(text, entry.value_span(), Self::WORDS, CONDITIONS, cx)
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.word().to_owned())
    }
}

/// A smallest span that covers several.
pub(crate) fn covering(spans: impl IntoIterator<Item = Span>) -> Option<Span> {
    spans.into_iter().reduce(Span::to)
}
