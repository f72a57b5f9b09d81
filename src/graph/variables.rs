//! The variables of one instance: what `${NAME}` means in its texts, and what its process gets.
//!
//! Several layers define them, the later ones first: svc's own environment, what the account of its `user` says
//! (`HOME`, `LOGNAME`, `SHELL`, `USER`), env-files, the project's `env`, the service's `env`, and what svc itself says (`SVC_*`, `PORT*`). A text sees the values that
//! are in force in the end, with one exception: a definition that uses its own name means the value
//! of the layer below, so that `PATH "bin:${PATH}"` says what it seems to say.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::SharedStr;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, suggest};
use crate::graph::arrows::Arrows;
use crate::graph::cycle;
use crate::model::text::{Malformed, Otherwise, Piece, Text};

/// A name that a layer sets, or unsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition<'m> {
    pub(crate) name: &'m SharedStr,
    /// Where the name is written.
    pub(crate) span: Span,
    /// `None` unsets it.
    pub(crate) value: Option<&'m Text>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Value {
    Set(SharedStr),
    Unset,
    /// It could not be worked out; that has been said, and nothing more follows from it.
    Bad,
}

/// The variables of one instance.
pub(crate) struct Variables<'m> {
    own: &'m BTreeMap<String, String>,
    /// What the account of its user says; none without `user`.
    account: Vec<(SharedStr, SharedStr)>,
    /// What each name stands for, sorted by name.
    table: Vec<(SharedStr, Value)>,
}

/// What all instances share while a plan is made.
#[derive(Default)]
pub(crate) struct Common {
    said: BTreeSet<(Span, &'static str)>,
    words: BTreeSet<SharedStr>,
    patterns: BTreeSet<String>,
    /// The last path that was made, and the folder and the text it was made of.
    folder: Option<(Arc<Path>, SharedStr, Arc<Path>)>,
}

impl Common {
    /// Reports a finding unless the same was said of the same place: a line of a template is blamed
    /// once, not once for each service that uses it.
    pub(crate) fn say(&mut self, diagnostic: Diagnostic, out: &mut Diagnostics) {
        if self.said.insert((diagnostic.span(), diagnostic.code)) {
            out.push(diagnostic);
        }
    }

    /// Returns the one copy of a word that everyone shares.
    pub(crate) fn word(&mut self, word: &str) -> SharedStr {
        if let Some(word) = self.words.get(word) {
            return word.clone();
        }
        let word = SharedStr::from(word);
        self.words.insert(word.clone());
        word
    }

    /// Returns `path` as seen from `folder`: the last one once more, when it is the same.
    pub(crate) fn folder(&mut self, folder: &Arc<Path>, path: SharedStr) -> Arc<Path> {
        if let Some((last, text, joined)) = &self.folder
            && Arc::ptr_eq(last, folder)
            && *text == path
        {
            return joined.clone();
        }
        let joined: Arc<Path> = joined(folder, &path).into();
        self.folder = Some((folder.clone(), path, joined.clone()));
        joined
    }

    /// Returns whether this regular expression was seen before, and remembers it.
    pub(crate) fn saw_pattern(&mut self, pattern: &str) -> bool {
        self.patterns.contains(pattern) || !self.patterns.insert(pattern.to_owned())
    }
}

/// Returns `path` as seen from `folder`, without `.` parts, so that two ways to write one file are
/// the same.
pub(crate) fn joined(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().collect()
}

impl<'m> Variables<'m> {
    /// Works out the variables of an instance from its layers: svc's `own` environment, its
    /// user's `account`, the `definitions` from the weakest layer to the strongest, and what svc says itself.
    pub(crate) fn new(
        own: &'m BTreeMap<String, String>,
        account: Vec<(SharedStr, SharedStr)>,
        definitions: &[Definition<'_>],
        given: Vec<(SharedStr, SharedStr)>,
        common: &mut Common,
        out: &mut Diagnostics,
    ) -> Self {
        let mut table = Vec::with_capacity(given.len() + definitions.len());
        table.extend(given.into_iter().map(|(name, value)| (name, Value::Set(value))));
        let mut variables = Self { own, account, table };
        variables.sort();
        // A definition of what svc says itself has no effect; who wrote it is told elsewhere.
        let definitions: Vec<Definition<'_>> =
            definitions.iter().filter(|d| variables.position(d.name).is_none()).copied().collect();
        let constants = definitions.iter().map_while(|d| Some((d.name.clone(), constant(d.value)?)));
        let known = variables.table.len();
        variables.table.extend(constants);
        if variables.table.len() < known + definitions.len() {
            // Some are made of others: nothing is known of any before their order is.
            variables.table.truncate(known);
            variables.table.extend(definitions.iter().map(|d| (d.name.clone(), Value::Bad)));
            variables.sort();
            variables.resolve(&definitions, common, out);
        } else {
            variables.sort();
        }
        variables
    }

    /// Sorts the table; of several entries with a name the last one stays.
    fn sort(&mut self) {
        self.table.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.table.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.table.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()
    }

    /// Works out values that are made of other values. All names are in the table.
    fn resolve(&mut self, definitions: &[Definition<'_>], common: &mut Common, out: &mut Diagnostics) {
        let layers = Layers::new(definitions, self);
        for &at in &layers.order(definitions, common, out) {
            let definition = &definitions[at as usize];
            let value = match definition.value {
                None => Value::Unset,
                Some(text) => {
                    // Weaker definitions come first: with one, the table holds the layer below by now.
                    let lowest = layers.below[at as usize].is_none();
                    let below = lowest.then(|| self.own_value(definition.name));
                    let seen = Seen { variables: self, name: definition.name, below };
                    seen.fill(text, common, out).map_or(Value::Bad, Value::Set)
                }
            };
            self.set(definition.name, value);
        }
        for name in layers.looped(definitions) {
            self.set(name, Value::Bad);
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some(position) = self.position(name) {
            self.table[position].1 = value;
        }
    }

    /// Replaces what is variable in `text`; `None` when that is not possible, which has been said.
    pub(crate) fn fill(&self, text: &Text, common: &mut Common, out: &mut Diagnostics) -> Option<SharedStr> {
        Seen { variables: self, name: "", below: None }.fill(text, common, out)
    }

    /// Returns what a process gets beyond svc's own environment; `None` removes a name. Sorted.
    pub(crate) fn overlay(self) -> Vec<(SharedStr, Option<SharedStr>)> {
        let defined = |name: &str| self.position(name).is_some();
        let account = self.account.iter().filter(|(name, _)| !defined(name)).cloned();
        let mut overlay: Vec<_> = account.map(|(name, value)| (name, Some(value))).collect();
        let Self { own, account: _, table } = self;
        let entry = |(name, value): (SharedStr, Value)| match value {
            Value::Set(value) => Some((name, Some(value))),
            Value::Unset => own.contains_key(&*name).then_some((name, None)),
            Value::Bad => None,
        };
        overlay.extend(table.into_iter().filter_map(entry));
        overlay.sort();
        overlay
    }

    fn own_value(&self, name: &str) -> Value {
        match self.account.iter().find(|(known, _)| &**known == name) {
            Some((_, value)) => Value::Set(value.clone()),
            None => self.own.get(name).map_or(Value::Unset, |value| Value::Set(value.as_str().into())),
        }
    }

    fn value(&self, name: &str) -> Value {
        self.position(name).map_or_else(|| self.own_value(name), |position| self.table[position].1.clone())
    }

    fn undefined(&self, name: &str, span: Span) -> Diagnostic {
        let set = self.table.iter().filter(|(_, value)| matches!(value, Value::Set(_)));
        let known = set.map(|(name, _)| &**name).chain(self.own.keys().map(String::as_str));
        let help = match suggest::nearest(name, known) {
            Some(near) => format!("did you mean `${{{near}}}`?"),
            None => {
                format!(
                    "set `{name}` in `env`, or give a default: `${{{name}:-…}}`; `$${{{name}}}` is the text itself"
                )
            }
        };
        Diagnostic::error("svc::undefined-variable", span, format!("`{name}` is not defined")).help(help)
    }
}

/// Returns what a definition comes to whatever the others say; nothing when it is made of others.
fn constant(value: Option<&Text>) -> Option<Value> {
    match value {
        Some(text) => text.constant().cloned().map(Value::Set),
        None => Some(Value::Unset),
    }
}

/// A view of variables from within the definition of one of them.
struct Seen<'v, 'm> {
    variables: &'v Variables<'m>,
    /// The name that is being defined.
    name: &'v str,
    /// What that name stands for in the layer below, when that is svc's own environment.
    below: Option<Value>,
}

impl Seen<'_, '_> {
    fn value(&self, name: &str) -> Value {
        match &self.below {
            Some(below) if name == self.name => below.clone(),
            _ => self.variables.value(name),
        }
    }

    /// Puts the pieces of `text` together. Everything that is wrong with it is said.
    fn fill(&self, text: &Text, common: &mut Common, out: &mut Diagnostics) -> Option<SharedStr> {
        if let Some(constant) = text.constant() {
            return Some(constant.clone());
        }
        let mut filled = String::with_capacity(text.raw.len());
        let mut whole = true;
        for piece in text.pieces() {
            match self.piece(piece) {
                Ok(Some(value)) => filled.push_str(&value),
                Ok(None) => whole = false,
                Err(diagnostic) => {
                    common.say(*diagnostic, out);
                    whole = false;
                }
            }
        }
        whole.then(|| filled.into())
    }

    /// Returns what a piece stands for; nothing when that could not be worked out, which was said.
    fn piece<'t>(&self, piece: Piece<'t>) -> Result<Option<Cow<'t, str>>, Box<Diagnostic>> {
        let (name, span, otherwise) = match piece {
            Piece::Literal(text) => return Ok(Some(Cow::Borrowed(text))),
            Piece::Malformed { span, why } => return Err(Box::new(malformed(span, why))),
            Piece::Variable { name, span, otherwise } => (name, span, otherwise),
        };
        match (self.value(name), otherwise) {
            (Value::Bad, _) => Ok(None),
            (Value::Set(value), Otherwise::Mistake) => Ok(Some(Cow::Owned(value.to_string()))),
            (Value::Set(value), _) if !value.is_empty() => Ok(Some(Cow::Owned(value.to_string()))),
            (_, Otherwise::Default(default)) => Ok(Some(Cow::Borrowed(default))),
            (_, Otherwise::Message(message)) => {
                let diagnostic =
                    Diagnostic::error("svc::undefined-variable", span, format!("`{name}` is not set"));
                Err(Box::new(if message.is_empty() { diagnostic } else { diagnostic.here(message) }))
            }
            (Value::Unset, Otherwise::Mistake) => Err(Box::new(self.variables.undefined(name, span))),
        }
    }
}

fn malformed(span: Span, why: Malformed) -> Diagnostic {
    let (message, help) = match why {
        Malformed::Unclosed => ("this variable has no end", "close it with `}`"),
        Malformed::Nameless => {
            ("this variable has no name", "a name has letters, digits and `_` and begins with no digit")
        }
        Malformed::Operator => {
            ("this is no variable", "write `${NAME}`, `${NAME:-default}` or `${NAME:?message}`")
        }
    };
    Diagnostic::error("svc::malformed-variable", span, message)
        .help(format!("{help}; where `${{` is meant as text, write `$${{`"))
}

/// Which definition uses which.
struct Layers {
    /// The definition of the same name in the layer below, if there is one.
    below: Vec<Option<u32>>,
    /// From a definition to those it uses.
    uses: Vec<(u32, u32)>,
    /// How far from the bottom each one is; nothing for those that use themselves.
    depth: Vec<Option<u32>>,
}

impl Layers {
    fn new(definitions: &[Definition<'_>], variables: &Variables<'_>) -> Self {
        // By position in the table.
        let mut top: Vec<Option<u32>> = vec![None; variables.table.len()];
        let below: Vec<Option<u32>> = definitions
            .iter()
            .zip(0..)
            .map(|(definition, at)| top[variables.position(definition.name)?].replace(at))
            .collect();
        let mut uses = Vec::new();
        for (at, definition) in definitions.iter().enumerate() {
            // The layers of a name are worked out from below, so that each finds the one it covers.
            uses.extend(below[at].map(|below| (at as u32, below)));
            let text = definition.value.filter(|text| text.constant().is_none());
            for piece in text.into_iter().flat_map(Text::pieces) {
                match piece {
                    Piece::Variable { name, .. } if name != definition.name.as_str() => {
                        let used = variables.position(name).and_then(|position| top[position]);
                        uses.extend(used.map(|used| (at as u32, used)));
                    }
                    Piece::Variable { .. } | Piece::Literal(_) | Piece::Malformed { .. } => {}
                }
            }
        }
        let count = definitions.len();
        let depth = Arrows::new(count, &uses).depths(&Arrows::reversed(count, &uses));
        Self { below, uses, depth }
    }

    /// Returns the definitions such that each comes after those it uses; reports those that use
    /// themselves, which are left out.
    fn order(&self, definitions: &[Definition<'_>], common: &mut Common, out: &mut Diagnostics) -> Vec<u32> {
        let mut order: Vec<u32> =
            (0..definitions.len() as u32).filter(|&at| self.depth[at as usize].is_some()).collect();
        order.sort_by_key(|&at| self.depth[at as usize]);
        if order.len() < definitions.len() {
            for found in cycle::find(definitions.len(), &self.uses) {
                let ends = found.arrows.iter().map(|&at| self.uses[at as usize]);
                let ends: Vec<[Definition<'_>; 2]> = ends
                    .map(|(user, used)| [definitions[user as usize], definitions[used as usize]])
                    .collect();
                common.say(circle(&ends), out);
            }
        }
        order
    }

    /// Iterates over the names that have no value because they run into a loop.
    fn looped<'m>(&self, definitions: &[Definition<'m>]) -> impl Iterator<Item = &'m SharedStr> {
        definitions.iter().zip(&self.depth).filter(|(_, depth)| depth.is_none()).map(|(d, _)| d.name)
    }
}

/// Describes variables that use each other, given who uses whom, all round.
fn circle(ends: &[[Definition<'_>; 2]]) -> Diagnostic {
    let names: Vec<&str> =
        ends.iter().map(|[user, _]| user.name.as_str()).chain([ends[0][0].name.as_str()]).collect();
    let message = format!("variables are made of each other: {}", names.join(" → "));
    let mut diagnostic = Diagnostic::error("svc::variable-cycle", ends[0][0].span, message);
    for (at, [user, used]) in ends.iter().enumerate() {
        let text = format!("{}. `{}` uses `{}`", at + 1, user.name, used.name);
        diagnostic = if at == 0 { diagnostic.here(text) } else { diagnostic.label(user.span, text) };
    }
    diagnostic.help("write one of them without the other")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text comes to, what is said, and what the process gets.
    struct Resolved {
        filled: Option<SharedStr>,
        said: Vec<String>,
        overlay: String,
    }

    /// Works out `text` with definitions from the weakest to the strongest; the value of the first one
    /// is at address 100, of the second at 200 and so on.
    fn resolve(own: &[(&str, &str)], written: &[(&str, Option<&str>)], text: &str) -> Resolved {
        let own: BTreeMap<String, String> =
            own.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let texts: Vec<Option<Text>> = written
            .iter()
            .zip(1..)
            .map(|((_, value), at)| value.map(|value| Text::new(value, Span::default(), Some(100 * at))))
            .collect();
        let names: Vec<SharedStr> = written.iter().map(|(name, _)| (*name).into()).collect();
        let definitions: Vec<Definition<'_>> = written
            .iter()
            .zip(&names)
            .zip(&texts)
            .zip(1..)
            .map(|(((_, name), value), at)| Definition {
                name,
                span: Span::new(at, at + 1),
                value: value.as_ref(),
            })
            .collect();
        let given = vec![("SVC_NAME".into(), "api".into())];
        let (mut common, mut out) = (Common::default(), Diagnostics::default());
        let variables = Variables::new(&own, Vec::new(), &definitions, given, &mut common, &mut out);
        let filled = variables.fill(&Text::new(text, Span::default(), Some(0)), &mut common, &mut out);
        let words = |d: &Diagnostic| d.help.clone().unwrap_or_else(|| d.labels[0].text.clone());
        let said =
            out.iter().map(|d| format!("{}..{} {} | {}", d.span().lo, d.span().hi, d.message, words(d)));
        let overlay = variables.overlay().into_iter();
        let overlay =
            overlay.map(|(name, value)| value.map_or(format!("-{name}"), |value| format!("{name}={value}")));
        Resolved { filled, said: said.collect(), overlay: overlay.collect::<Vec<_>>().join(" ") }
    }

    #[test]
    fn a_later_layer_covers_an_earlier_one_for_every_text() {
        let found = resolve(
            &[("A", "own"), ("HOME", "/root")],
            &[("B", Some("${A}!")), ("A", Some("file")), ("A", Some("service"))],
            "${A} ${B} ${HOME} ${SVC_NAME} $$",
        );
        assert_eq!(found.filled.as_deref(), Some("service service! /root api $"));
        assert_eq!(found.said, [] as [&str; 0]);
        assert_eq!(found.overlay, "A=service B=service! SVC_NAME=api");
    }

    #[test]
    fn a_definition_that_uses_its_own_name_means_the_layer_below() {
        let layers =
            [("PATH", Some("file:${PATH}")), ("PATH", Some("${HOME}/bin:${PATH}")), ("HOME", Some("/h"))];
        let found = resolve(&[("PATH", "/bin")], &layers, "${PATH}");
        assert_eq!(found.filled.as_deref(), Some("/h/bin:file:/bin"));
        let found = resolve(&[], &[("X", Some("a${X:-}"))], "${X}");
        assert_eq!((found.filled.as_deref(), found.said.len()), (Some("a"), 0));
    }

    #[test]
    fn an_undefined_name_is_blamed_where_it_stands_and_once() {
        let found = resolve(&[("DATABASE_URL", "x")], &[("A", Some("a ${DATABSE_URL}"))], "${A}${A} ${A}");
        assert_eq!(found.filled, None);
        assert_eq!(found.said, ["102..116 `DATABSE_URL` is not defined | did you mean `${DATABASE_URL}`?"]);
        let help = "set `QQQ` in `env`, or give a default: `${QQQ:-…}`; `$${QQQ}` is the text itself";
        assert_eq!(resolve(&[], &[], "x${QQQ}").said, [format!("1..7 `QQQ` is not defined | {help}")]);
    }

    #[test]
    fn a_default_holds_for_what_is_undefined_unset_or_empty() {
        let layers = [("EMPTY", Some("")), ("OFF", None)];
        let found = resolve(&[("OFF", "on")], &layers, "[${EMPTY}] ${EMPTY:-a} ${OFF:-b} ${NONE:-c}");
        assert_eq!(found.filled.as_deref(), Some("[] a b c"));
        assert_eq!(found.said, [] as [&str; 0]);
        assert_eq!(found.overlay, "EMPTY= -OFF SVC_NAME=api");
    }

    #[test]
    fn a_message_is_said_in_the_words_of_the_file() {
        let found = resolve(&[], &[], "${TOKEN:?set TOKEN in .env}");
        assert_eq!(found.said, ["0..27 `TOKEN` is not set | set TOKEN in .env"]);
    }

    #[test]
    fn variables_made_of_each_other_are_one_finding() {
        let layers = [("A", Some("${B}")), ("B", Some("x${C}")), ("C", Some("${A}")), ("D", Some("${C}"))];
        let found = resolve(&[], &layers, "${D}");
        assert_eq!(found.filled, None);
        let message = "variables are made of each other: A → B → C → A";
        assert_eq!(found.said, [format!("1..2 {message} | write one of them without the other")]);
        assert_eq!(found.overlay, "SVC_NAME=api");
    }

    #[test]
    fn what_svc_says_itself_cannot_be_covered() {
        let found = resolve(&[], &[("SVC_NAME", Some("other"))], "${SVC_NAME}");
        assert_eq!((found.filled.as_deref(), found.overlay.as_str()), (Some("api"), "SVC_NAME=api"));
    }

    #[test]
    fn a_long_chain_of_variables_needs_no_stack() {
        let names: Vec<String> = (0..20_000).map(|at| format!("V{at}")).collect();
        let before = std::iter::once("end".to_owned()).chain(names.iter().map(|name| format!("${{{name}}}")));
        let values: Vec<String> = before.take(20_000).collect();
        let layers = names.iter().zip(&values).rev();
        let layers: Vec<(&str, Option<&str>)> =
            layers.map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
        assert_eq!(resolve(&[], &layers, "${V19999}").filled.as_deref(), Some("end"));
    }
}
