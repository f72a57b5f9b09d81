//! `limits`: what the processes of a service may use.
//!
//! What is too little for any program is a mistake here, because at run time it would look like a crash.

use crate::base::Size;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::limits::{Bound, Limits, ProcessLimit, Resource};
use crate::model::node::value::Count;
use crate::schema::value::bounded;
use crate::schema::{Context, Form, FromValue, WrittenValue, nodes};
use crate::syntax::{Entry, Value};

nodes! {
    /// What its processes may use: `memory`, `cpu` and `pids` all of them together, the others each by itself. The first three need control groups (cgroup v2); where svc cannot make any they do not hold, and `svc up`, `svc ps` and `svc why` say so.
    LimitsNode {
        /// Memory; past it the kernel ends one of them, which is told as the cause when it was the main process.
        prop memory "memory": Size = "no limit" => Live;
        /// Processors they may keep busy: `1.5`.
        prop cpu "cpu": Processors = "no limit" => Live;
        /// Processes and threads.
        prop pids "pids": Count = "no limit" => Live;
        /// Open descriptors of a process, or `unlimited`.
        prop nofile "nofile": NumberBound = "svc's own";
        /// Processes of its user, whoever started them, or `unlimited`.
        prop nproc "nproc": NumberBound = "svc's own";
        /// The size of a core dump, or `unlimited`.
        prop core "core": SizeBound = "svc's own";
        /// The size of the stack, or `unlimited`.
        prop stack "stack": SizeBound = "svc's own";
        /// The size of the address space of a process, or `unlimited`.
        prop address_space "as": SizeBound = "svc's own";
    }
}

/// The word for no limit.
const UNLIMITED: &str = "unlimited";

/// Under this no program comes as far as its first instruction.
const LEAST: &[(&str, u64, &str)] = &[
    ("memory", 1 << 20, "1M"),
    ("nofile", 4, "4"),
    ("nproc", 1, "1"),
    ("stack", 128 << 10, "128K"),
    ("as", 4 << 20, "4M"),
];

impl LimitsNode {
    /// Returns the limits.
    pub fn limits(&self) -> Limits {
        let number = |bound: Option<Spanned<NumberBound>>| bound.map(|b| (b.value.0, b.span));
        let size = |bound: Option<Spanned<SizeBound>>| bound.map(|b| (b.value.0, b.span));
        let process = [
            (Resource::Descriptors, number(self.nofile)),
            (Resource::Processes, number(self.nproc)),
            (Resource::Core, size(self.core)),
            (Resource::Stack, size(self.stack)),
            (Resource::AddressSpace, size(self.address_space)),
        ];
        let given = |(resource, given): (Resource, Option<(Bound, Span)>)| {
            given.map(|(bound, span)| ProcessLimit { resource, bound, span })
        };
        Limits {
            memory: self.memory,
            cpu: self.cpu.map(|cpu| Spanned::new(cpu.value.0, cpu.span)),
            pids: self.pids.map(|pids| Spanned::new(pids.value.0, pids.span)),
            process: process.into_iter().filter_map(given).collect(),
        }
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        let limits = self.limits();
        if limits == Limits::default() {
            let help = "for example `limits memory=\"512M\" nofile=65536`";
            cx.lacks(self.span, self.mistaken, "`limits` does not say what is limited", help);
        }
        let memory = limits.memory.map(|memory| ("memory", memory.value.0, memory.span));
        let process = limits.process.iter().filter_map(|limit| match limit.bound {
            Bound::To(number) => Some((limit.resource.word(), number, limit.span)),
            Bound::Unlimited => None,
        });
        for (name, number, span) in memory.into_iter().chain(process) {
            let least = LEAST.iter().find(|(known, least, _)| *known == name && number < *least);
            if let Some((_, _, least)) = least {
                let message = format!("no program can start with so little: `{name}` is below {least}");
                cx.say(
                    Diagnostic::error("svc::limit-too-low", span, message)
                        .help("the least that is of use depends on the program; leave it out for no limit"),
                );
            }
        }
    }
}

/// A number of processors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Processors(pub f64);

impl FromValue for Processors {
    const FORM: Form = Form::Number;
    const TYPE: &'static str = "a number of processors";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = entry.value_span();
        if let Value::String(text) = entry.value() {
            let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
            if let Some(right) = percent.map(|percent| percent / 100.0).or_else(|| text.parse().ok()) {
                let message = format!("`{text}` is a text, not {}", Self::TYPE);
                cx.say(
                    Diagnostic::error("svc::wrong-type", span, message)
                        .help(format!("write `cpu={right}`; 1 is one whole processor"))
                        .fix(span, right.to_string()),
                );
                return None;
            }
        }
        let number = f64::from_value(entry, cx)?;
        // The kernel shares out hundredths: at least 1 ms in each 100 ms.
        if !(0.01..=100_000.0).contains(&number) {
            let message = format!("{number} is not {}", Self::TYPE);
            cx.say(Diagnostic::error("svc::out-of-range", span, message).help("it goes from 0.01 to 100000"));
            return None;
        }
        Some(Self(number))
    }

    fn to_value(&self) -> WrittenValue {
        self.0.to_value()
    }
}

/// A number of things, or no limit on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberBound(pub Bound);

impl FromValue for NumberBound {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a whole number or `unlimited`";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Some(unlimited) = unlimited(entry, cx) {
            return unlimited.map(Self);
        }
        bounded(entry, (0, i64::MAX), Self::TYPE, cx).map(|number| Self(Bound::To(number.unsigned_abs())))
    }

    fn to_value(&self) -> WrittenValue {
        match self.0 {
            Bound::Unlimited => WrittenValue::Text(UNLIMITED.to_owned()),
            Bound::To(number) => WrittenValue::Number(number.to_string()),
        }
    }
}

/// A number of bytes, or no limit on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeBound(pub Bound);

impl FromValue for SizeBound {
    const FORM: Form = Form::Any;
    const TYPE: &'static str = "a size or `unlimited`";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Some(unlimited) = unlimited(entry, cx) {
            return unlimited.map(Self);
        }
        Size::from_value(entry, cx).map(|size| Self(Bound::To(size.0)))
    }

    fn to_value(&self) -> WrittenValue {
        match self.0 {
            Bound::Unlimited => WrittenValue::Text(UNLIMITED.to_owned()),
            Bound::To(bytes) => Size(bytes).to_value(),
        }
    }
}

/// Reads `unlimited`; nothing when it is something else. Other tools' words for it are a mistake.
fn unlimited(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Option<Bound>> {
    let number = match entry.value() {
        Value::String(UNLIMITED) => return Some(Some(Bound::Unlimited)),
        Value::String("infinity" | "inf" | "none" | "max") => true,
        Value::Number(text) => text.starts_with('-') || text == "#inf",
        _ => false,
    };
    if !number {
        return None;
    }
    let span = entry.value_span();
    let message = format!("no limit is written `unlimited` here, not `{}`", cx.written(span));
    cx.say(
        Diagnostic::error("svc::unknown-word", span, message)
            .help("write `unlimited`, or leave it out for svc's own limit")
            .fix(span, "unlimited"),
    );
    Some(None)
}
