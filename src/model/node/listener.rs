//! `event-listener`: a service that is told what happens, by the protocol of supervisord's event listeners.

use crate::diagnostic::{Diagnostic, suggest};
use crate::model::event::Event;
use crate::model::event::{EventListener, Length};
use crate::model::node::value::Count;
use crate::schema::{Context, FromValue, WrittenValue, nodes, words};
use crate::syntax::{Entry, Value};

nodes! {
    /// What happens is told to it on its stdin, by the protocol of supervisord's event listeners; its stdout answers.
    EventListenerNode {
        /// What it is told of, in supervisord's words; a word without its last part means all that begin with it.
        args events "events": Event = "";
        /// How many events are kept until it has time; past it the oldest is dropped.
        prop buffer "buffer": Count = "1024";
        /// What the header `len` of an event counts; supervisord and listeners written in Python count characters.
        prop length "len": Length = "chars";
    }
}

words! { Length, "what is counted", &[("characters", "chars"), ("byte", "bytes")];
    "chars" Length::Characters, "bytes" Length::Bytes,
}

impl FromValue for Event {
    const WORDS: &'static [&'static str] = Self::ALL;
    const TYPE: &'static str = "an event";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let found = Self::find(text);
        if found.is_none() {
            let span = entry.value_span();
            let diagnostic =
                Diagnostic::error("svc::unknown-event", span, format!("there is no event `{text}`"));
            cx.say(match suggest::nearest(text, Self::ALL.iter().copied()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(span, near),
                None => diagnostic.help("supervisord's words, such as `PROCESS_STATE_FATAL` or `TICK_60`"),
            });
        }
        found
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.to_string())
    }
}

impl EventListenerNode {
    /// Makes a listener of the node.
    pub fn listener(&self) -> EventListener {
        EventListener {
            events: self.events.iter().map(|event| event.value).collect(),
            buffer: self.buffer.map_or(1024, |buffer| buffer.value.0),
            length: self.length.map_or(Length::Characters, |length| length.value),
            span: self.span,
        }
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        for (at, event) in self.events.iter().enumerate() {
            let Some(before) = self.events[..at].iter().find(|before| before.value.covers(event.value))
            else {
                continue;
            };
            let message = match before.value == event.value {
                true => format!("`{}` is there twice", event.value),
                false => format!("`{}` is one of `{}` already", event.value, before.value),
            };
            cx.say(
                Diagnostic::warning("svc::repeated-event", event.span, message)
                    .here("told once")
                    .label(before.span, "covers it")
                    .help("remove one of them"),
            );
        }
    }
}
