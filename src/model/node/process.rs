//! `forks` and `nice`, and the names of `replicas`: small things about how processes are made.

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::model::node::value::Count;
use crate::model::replica::{Pattern, Replicas};
use crate::model::service::{FilePath, Forks};
use crate::schema::value::bounded;
use crate::schema::{Context, Form, FromValue, WrittenValue, nodes};
use crate::syntax::{Entry, Value};

nodes! {
    /// A service that puts itself into the background: its first process ends, and the one that goes on writes its
    /// number to a file.
    ForksNode {
        /// The file; relative to this file.
        prop pid_file "pid-file": FilePath = "";
    }

    /// How many instances there are.
    ReplicasNode {
        /// The number.
        arg count "count": Count = "";
        /// What they are called, with `%d` for the number: `"web_%02d"` is `web_00`, `web_01`, …
        prop name "name": Pattern = "the service's name, `.` and the number" => Restart;
    }
}

/// A scheduling priority as setpriority(2) takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nice(pub i8);

impl FromValue for Nice {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a priority";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        bounded(entry, (-20, 19), Self::TYPE, cx).and_then(|nice| i8::try_from(nice).ok()).map(Self)
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Number(self.0.to_string())
    }
}

impl ForksNode {
    /// Makes what is needed to find the process; `None` after a mistake.
    pub fn forks(&self) -> Option<Forks> {
        Some(Forks { pid_file: self.pid_file.as_ref()?.value.clone(), span: self.span })
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        if self.pid_file.is_none() {
            let message = "`forks` does not say how the process that goes on is found";
            let help = "write `forks pid-file=\"run/NAME.pid\"`; better, have it stay in the foreground and drop `forks`";
            cx.lacks(self.span, self.mistaken, message, help);
        }
    }
}

impl FromValue for Pattern {
    const TYPE: &'static str = "a name with `%d`";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let span = entry.value_span();
        let say = |message: String| Diagnostic::error("svc::bad-replica-name", span, message);
        let found = Self::parse(text);
        match &found {
            None => {
                let message = format!("`{}` does not say where the number goes", text.escape_debug());
                cx.say(
                    say(message)
                        .help("write `%d` once, or `%02d` for at least two digits: `name=\"web_%02d\"`"),
                );
                return None;
            }
            Some(pattern) => {
                let example = pattern.name(0);
                if let Err(error) = Name::new(&example.replace('.', "-")) {
                    let message = format!("`{example}` cannot be the name of an instance: {error}");
                    cx.say(
                        say(message).help("letters, digits, `_`, `-` and `.`, the first one a letter or `_`"),
                    );
                    return None;
                }
            }
        }
        found
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

impl ReplicasNode {
    /// Makes replicas of the node; `None` after a mistake.
    pub fn replicas(&self) -> Option<Replicas> {
        let count = self.count?;
        let name = self.name.as_ref().map(|name| Box::new(Spanned::new(name.value.clone(), name.span)));
        Some(Replicas { count: Spanned::new(count.value.0, count.span), name })
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        if self.count.is_none() {
            cx.lacks(self.span, self.mistaken, "`replicas` does not say how many", "write `replicas 3`");
        }
    }
}
