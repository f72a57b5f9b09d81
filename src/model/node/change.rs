//! `reload` and `watch`: what a running service does about a change.

use std::time::Duration;

use glob::Pattern;

use crate::base::Signal;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::change::{Reaction, Reload, Watch};
use crate::model::ignore::Ignore;
use crate::model::node::command::Words;
use crate::model::service::FilePath;
use crate::schema::{Context, FromValue, WrittenValue, nodes, words};
use crate::syntax::{Entry, Value};

nodes! {
    /// How a running service is told to read its configuration again.
    ReloadNode {
        /// The signal that tells it.
        prop signal "signal": Signal = "";
        /// A command that tells it, instead.
        prop command "command": Words = "";
    }

    /// Files whose change leads to something. What editors and version control leave beside them does not count.
    WatchNode {
        /// Files, folders with everything in them, or patterns like `src/**/*.ts`; relative to this file.
        args paths "paths": FilePath = "";
        /// Patterns of what does not count, separated by blanks: `"**/*.test.js *.log"`.
        prop ignore "ignore": Ignore = "";
        /// How long it has to be quiet after a change.
        prop debounce "debounce": Duration = "300ms";
        /// What a change leads to.
        prop action "action": Reaction = "restart";
        /// Whether what depends on it is restarted too.
        prop cascade "cascade": bool = "#false";
    }
}

words! { Reaction, "what a change leads to", &[("rebuild", "restart"), ("sync", "restart"), ("hup", "reload")];
    "restart" Reaction::Restart, "reload" Reaction::Reload,
}

impl FromValue for Ignore {
    const TYPE: &'static str = "patterns of paths";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let first = cx.verbatim(text, entry.value_span());
        let mut patterns = Vec::new();
        let before = cx.mistakes();
        for word in text.split_whitespace() {
            let at = word.as_ptr() as usize - text.as_ptr() as usize;
            let span = first.map_or(entry.value_span(), |first| {
                Span::new(first + at as u32, first + (at + word.len()) as u32)
            });
            match Pattern::new(word) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => cx.say(
                    Diagnostic::error("svc::bad-glob", span, format!("`{word}` is no pattern of paths"))
                        .here(error.msg)
                        .help("`*` stands for part of a name, `**` for any folders: `\"**/*.tmp\"`"),
                ),
            }
        }
        (before == cx.mistakes()).then_some(Self(patterns))
    }

    fn to_value(&self) -> WrittenValue {
        let patterns: Vec<&str> = self.0.iter().map(Pattern::as_str).collect();
        WrittenValue::Text(patterns.join(" "))
    }
}

impl ReloadNode {
    /// Makes a reload of the node; `None` after a mistake: see [`Self::check`].
    pub fn reload(&self) -> Option<Spanned<Reload>> {
        let reload = match (&self.signal, &self.command) {
            (Some(signal), _) => Reload::Signal(signal.value),
            (None, Some(command)) => Reload::Command(command.value.0.clone()),
            (None, None) => return None,
        };
        Some(Spanned::new(reload, self.span))
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        match (&self.signal, &self.command) {
            (Some(signal), Some(command)) => {
                let message = "a reload is a signal or a command, not both";
                cx.say(
                    Diagnostic::error("svc::reload-kind", command.span, message)
                        .here("and this")
                        .label(signal.span, "this")
                        .help("keep one of them"),
                );
            }
            (None, None) => {
                let help = "write `reload signal=SIGHUP` or `reload command=\"nginx -s reload\"`";
                cx.lacks(self.span, self.mistaken, "`reload` does not say how", help);
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
    }
}

impl WatchNode {
    /// Makes a watch of the node.
    pub fn watch(&self) -> Watch {
        Watch {
            paths: self.paths.iter().map(|path| path.value.clone()).collect(),
            ignore: self.ignore.as_ref().map(|ignore| ignore.value.clone()).unwrap_or_default(),
            debounce: self.debounce.map_or(Duration::from_millis(300), |debounce| debounce.value),
            reaction: self.action.map_or(Reaction::Restart, |action| action.value),
            cascade: self.cascade.is_some_and(|cascade| cascade.value),
            span: self.span,
        }
    }
}
