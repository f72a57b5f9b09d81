//! Templates: settings with a name, which services and other templates extend.
//!
//! Each template is laid over its own once, whatever extends it. Names that lead nowhere, circles and templates
//! that nothing extends are said here; what is wrong inside one was said where it was read.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned, suggest};
use crate::model::merge::lay;
use crate::model::node::settings::Settings;
use crate::schema::Context;

/// The most templates that may extend each other in a row.
const DEEPEST: u32 = 32;

/// How many times a mistyped name may be compared with a known one in all; after that, unknown names are reported
/// without a suggestion.
const COMPARISONS: usize = 3_000_000;

/// A template as it is written.
#[derive(Debug)]
pub struct Template {
    /// Its name.
    pub name: Spanned<Name>,
    /// What it says.
    pub settings: Settings,
}

/// All templates, each with what it extends merged in.
#[derive(Debug, Default)]
pub struct Templates {
    places: BTreeMap<Name, usize>,
    list: Vec<Entry>,
    /// How many names were compared in search of what was meant.
    compared: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    name: Spanned<Name>,
    settings: Settings,
    parent: Option<usize>,
    used: AtomicBool,
}

impl Templates {
    /// Puts every template over the one it extends.
    pub fn new(templates: Vec<Template>, out: &mut Diagnostics) -> Self {
        let mut this = Self::default();
        for Template { name, settings } in templates {
            this.places.insert(name.value.clone(), this.list.len());
            this.list.push(Entry { name, settings, parent: None, used: AtomicBool::new(false) });
        }
        for index in 0..this.list.len() {
            let Some(parent) = this.list[index].settings.extends.clone() else { continue };
            match this.find(&parent, |diagnostic| out.push(diagnostic)) {
                Some(parent) => this.list[index].parent = Some(parent),
                None => this.list[index].settings.mistaken = true,
            }
        }
        this.flatten(out);
        this
    }

    /// Lays a service over the template it extends, if it does.
    pub fn below(&self, over: &mut Settings, cx: &mut Context<'_>) {
        let Some(name) = over.extends.take() else { return };
        match self.find(&name, |diagnostic| cx.say(diagnostic)) {
            Some(index) => {
                self.list[index].used.store(true, Relaxed);
                lay(over, &self.list[index].settings);
            }
            None => over.mistaken = true,
        }
    }

    /// Warns of templates that nothing extends.
    pub fn unused(&self, cx: &mut Context<'_>) {
        let mut extended: Vec<bool> = self.list.iter().map(|entry| entry.used.load(Relaxed)).collect();
        for entry in &self.list {
            if let Some(parent) = entry.parent {
                extended[parent] = true;
            }
        }
        for (entry, extended) in self.list.iter().zip(extended) {
            if !extended {
                let name = &entry.name.value;
                let message = format!("nothing extends the template `{name}`");
                let diagnostic = Diagnostic::warning("svc::unused-template", entry.name.span, message);
                cx.say(
                    diagnostic.help(format!("write `service \"…\" extends={name} {{ … }}`, or remove it")),
                );
            }
        }
    }

    /// Looks a template up; `None` when there is none of that name, which is said.
    fn find(&self, name: &Spanned<Name>, say: impl FnOnce(Diagnostic)) -> Option<usize> {
        if let Some(&found) = self.places.get(&name.value) {
            return Some(found);
        }
        let message = format!("there is no template `{}`", name.value);
        let diagnostic = Diagnostic::error("svc::unknown-template", name.span, message);
        let compared = self.compared.fetch_add(self.list.len(), Relaxed) + self.list.len();
        let known = self.places.keys().map(Name::as_str).filter(|_| compared <= COMPARISONS);
        say(match suggest::nearest(name.value.as_str(), known) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, near),
            None => diagnostic.help(format!("declare it: `template \"{}\" {{ … }}`", name.value)),
        });
        None
    }

    /// Merges parents into children, parents first; each chain is walked once.
    fn flatten(&mut self, out: &mut Diagnostics) {
        // How many templates a finished one stands on; `None` for one that is not finished.
        let mut depths: Vec<Option<u32>> = vec![None; self.list.len()];
        // In which walk each was seen last: meeting one of this walk again closes a circle.
        let mut seen = vec![usize::MAX; self.list.len()];
        for start in 0..self.list.len() {
            let mut chain = Vec::new();
            let mut next = Some(start);
            while let Some(index) = next.filter(|&index| depths[index].is_none()) {
                if seen[index] == start {
                    let from = chain.iter().position(|&other| other == index).unwrap_or(0);
                    out.push(self.circle(&chain[from..]));
                    for &looped in &chain[from..] {
                        let entry = &mut self.list[looped];
                        (entry.parent, entry.settings.mistaken) = (None, true);
                        entry.used.store(true, Relaxed);
                    }
                    break;
                }
                seen[index] = start;
                chain.push(index);
                next = self.list[index].parent;
            }
            for &index in chain.iter().rev() {
                depths[index] = Some(self.over_its_parent(index, &depths, out));
            }
        }
    }

    /// Lays a template over the one it extends, which is finished, and returns how many it stands on.
    fn over_its_parent(&mut self, index: usize, depths: &[Option<u32>], out: &mut Diagnostics) -> u32 {
        let Some(parent) = self.list[index].parent else { return 0 };
        let depth = depths[parent].unwrap_or(0) + 1;
        if depth > DEEPEST {
            let span = self.extends(index);
            let message = format!("more than {DEEPEST} templates extend each other");
            let diagnostic = Diagnostic::error("svc::template-depth", span, message);
            out.push(diagnostic.here("with this one").help("merge some of them into one"));
            self.list[parent].used.store(true, Relaxed);
            let entry = &mut self.list[index];
            (entry.parent, entry.settings.mistaken) = (None, true);
            return 0;
        }
        let mut settings = std::mem::take(&mut self.list[index].settings);
        lay(&mut settings, &self.list[parent].settings);
        self.list[index].settings = settings;
        depth
    }

    /// Says that templates extend each other in a circle.
    fn circle(&self, circle: &[usize]) -> Diagnostic {
        let name = |index: usize| &self.list[index].name.value;
        // It begins where the file does, so that one circle is always told in one way.
        let lowest = circle.iter().enumerate().min_by_key(|&(_, &index)| self.extends(index));
        let shift = lowest.map_or(0, |(at, _)| at);
        let around = || circle[shift..].iter().chain(&circle[..shift]).copied();
        let mut edges = around().zip(around().cycle().skip(1));
        let (first, second) = edges.next().unwrap_or_default();
        let message = match circle {
            [_] => format!("the template `{}` extends itself", name(first)),
            _ => format!("the template `{}` extends itself, through `{}`", name(first), name(second)),
        };
        let told = |from, to| format!("`{}` extends `{}`", name(from), name(to));
        let diagnostic = Diagnostic::error("svc::template-cycle", self.extends(first), message);
        let mut diagnostic = diagnostic.here(told(first, second));
        for (from, to) in edges {
            diagnostic = diagnostic.label(self.extends(from), told(from, to));
        }
        diagnostic.help("remove one `extends`")
    }

    /// Returns where a template says what it extends.
    fn extends(&self, index: usize) -> Span {
        let entry = &self.list[index];
        entry.settings.extends.as_ref().map_or(entry.name.span, |extends| extends.span)
    }
}
