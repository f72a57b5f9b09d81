//! Files that include files.
//!
//! The one node name this room knows is `include`: at the top level of a file, its arguments are
//! paths or patterns, relative to the file that holds it. Files are read through a [`Loader`], so
//! that nothing here touches the machine. Documents come out in the order a person reads them: a
//! file, then what it includes, in the order of its includes, a pattern's matches sorted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::syntax::code;
use crate::syntax::document::{Document, Node, Value};
use crate::syntax::parser::parse;
use crate::syntax::readable;

/// The name of the node that includes files.
pub const INCLUDE: &str = "include";

/// The most files that may include each other in a row.
const DEEPEST: u32 = 16;

/// Where texts come from.
pub trait Loader {
    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being read; [`io::ErrorKind::InvalidData`] when it is not UTF-8; an
    /// error with a text of its own is said with that text.
    fn read(&self, path: &Path) -> io::Result<Arc<str>>;

    /// Returns the files that a pattern with `*`, `?`, `[…]` or `**` matches, in any order.
    ///
    /// # Errors
    ///
    /// When the pattern is malformed or a folder cannot be read.
    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>>;
}

/// One file with its tree.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path it was read from: what was given, or the including file's folder with what it says.
    pub path: PathBuf,
    /// Where it was included; `None` for a file that was asked for.
    pub included_at: Option<Span>,
    /// Which of the files that were asked for it is, or is included by: 0 is the first.
    pub layer: usize,
    /// Its tree, `include` nodes and all.
    pub document: Document,
}

/// All files of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Their texts and places.
    pub map: SourceMap,
    /// Their trees, in reading order.
    pub files: Vec<SourceFile>,
}

impl Sources {
    /// Returns the folder of the file that holds a place: what its relative paths are relative to.
    pub fn folder_of(&self, span: Span) -> Option<&Path> {
        let index = self.files.iter().position(|file| {
            let whole = file.document.span();
            whole.lo <= span.lo && span.lo <= whole.hi
        })?;
        self.files[index].path.parent()
    }

    /// Reads one text that has no file and adds it.
    pub fn add(&mut self, path: PathBuf, text: impl Into<Arc<str>>, diagnostics: &mut Diagnostics) {
        self.add_included(Pending::root(path, 0), text.into(), diagnostics);
    }

    /// Reads one file, not what it includes, and adds it.
    pub fn read(&mut self, path: PathBuf, loader: &dyn Loader, diagnostics: &mut Diagnostics) {
        match loader.read(&path) {
            Ok(text) => self.add(path, text, diagnostics),
            Err(error) => diagnostics.push(unreadable(&path, None, &error)),
        }
    }

    fn add_included(&mut self, file: Pending, text: Arc<str>, diagnostics: &mut Diagnostics) {
        let Pending { path, included_at, parent: _, layer, depth: _ } = file;
        match self.map.add(path.display().to_string(), text.clone()) {
            Ok(base) => {
                let document = parse(&text, base, diagnostics);
                self.files.push(SourceFile { path, included_at, layer, document });
            }
            Err(_) => {
                let message = format!("cannot read `{}`: all files together pass 4 GiB", path.display());
                let span = included_at.unwrap_or_default();
                diagnostics.push(Diagnostic::error(code::TOO_LARGE, span, message));
            }
        }
    }
}

/// A file that is still to be read.
struct Pending {
    path: PathBuf,
    included_at: Option<Span>,
    /// The file that includes it, as an index into `Sources::files`.
    parent: Option<usize>,
    layer: usize,
    /// How many files lie between it and one that was asked for.
    depth: u32,
}

impl Pending {
    fn root(path: PathBuf, layer: usize) -> Self {
        Self { path, included_at: None, parent: None, layer, depth: 0 }
    }
}

/// Reads files and everything they include. What is wrong goes to `diagnostics`; every file that
/// could be read has a tree.
pub fn load(paths: &[PathBuf], loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Sources {
    let mut loading = Loading { sources: Sources::default(), parents: Vec::new(), seen: BTreeMap::new() };
    let roots = paths.iter().enumerate().rev();
    let mut pending: Vec<Pending> = roots.map(|(layer, path)| Pending::root(path.clone(), layer)).collect();
    while let Some(next) = pending.pop() {
        let included = loading.file(next, loader, diagnostics);
        pending.extend(included.into_iter().rev());
    }
    loading.sources
}

struct Loading {
    sources: Sources,
    /// For each file the one that includes it.
    parents: Vec<Option<usize>>,
    /// Where each path was first asked for, and the file it became.
    seen: BTreeMap<PathBuf, (Option<Span>, usize)>,
}

impl Loading {
    /// Reads one file and returns what it includes.
    fn file(&mut self, next: Pending, loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Vec<Pending> {
        let key = normal(&next.path);
        if let Some(&(first, index)) = self.seen.get(&key) {
            if let Some(diagnostic) = self.again(&next, first, index) {
                diagnostics.push(diagnostic);
            }
            return Vec::new();
        }
        let text = match loader.read(&next.path) {
            Ok(text) => text,
            Err(error) => {
                diagnostics.push(unreadable(&next.path, next.included_at, &error));
                return Vec::new();
            }
        };
        let index = self.sources.files.len();
        let (included_at, parent, layer, depth) = (next.included_at, next.parent, next.layer, next.depth + 1);
        let folder = next.path.parent().unwrap_or(Path::new("")).to_owned();
        self.sources.add_included(next, text, diagnostics);
        if self.sources.files.len() == index {
            return Vec::new();
        }
        self.seen.insert(key, (included_at, index));
        self.parents.push(parent);
        let nodes = self.sources.files[index].document.nodes().filter(|node| node.name() == INCLUDE);
        let mut found = Vec::new();
        for (path, span) in nodes.flat_map(|node| included(node, &folder, loader, diagnostics)) {
            if depth > DEEPEST {
                let message = format!("more than {DEEPEST} files include each other in a row");
                let error = Diagnostic::error(code::INCLUDE_DEPTH, span, message).here("with this one");
                diagnostics.push(error.help("include it from a file nearer to the first one"));
                break;
            }
            found.push(Pending { path, included_at: Some(span), parent: Some(index), layer, depth });
        }
        found
    }

    /// What is to be said about a file that was read before.
    fn again(&self, next: &Pending, first: Option<Span>, index: usize) -> Option<Diagnostic> {
        let here = next.included_at?;
        let mut ancestor = next.parent;
        let mut chain = Vec::new();
        while let Some(file) = ancestor {
            if file == index {
                let message = format!("`{}` includes itself", normal(&next.path).display());
                let mut error =
                    Diagnostic::error(code::INCLUDE_CYCLE, here, message).here("which closes the circle");
                for span in chain.into_iter().rev() {
                    error = error.label(span, "included here");
                }
                return Some(error.help("remove one of these includes"));
            }
            chain.extend(self.sources.files[file].included_at);
            ancestor = self.parents[file];
        }
        let message = format!("`{}` is included twice", normal(&next.path).display());
        let error = Diagnostic::error(code::INCLUDED_TWICE, here, message).here("included again here");
        Some(match first {
            Some(span) if span != here => error.label(span, "first included here").help("remove one of them"),
            Some(_) => error.help("two names on this line mean the same file"),
            None => error.help("it is read anyway: remove this include"),
        })
    }
}

/// Returns the files that an `include` node asks for, each with the place that does.
fn included(
    node: Node<'_>,
    folder: &Path,
    loader: &dyn Loader,
    diagnostics: &mut Diagnostics,
) -> Vec<(PathBuf, Span)> {
    let mut found = Vec::new();
    if node.entries().len() == 0 && !node.is_broken() {
        let error = Diagnostic::error(code::BAD_INCLUDE, node.span(), "`include` names no file");
        diagnostics.push(error.help("write `include \"services/*.kdl\"`"));
    }
    for entry in node.entries() {
        let span = entry.value_span();
        let written = match (entry.key(), entry.value()) {
            (_, Value::Bad) => continue,
            (None, Value::String(written)) if !written.is_empty() => written,
            _ => {
                let error = Diagnostic::error(code::BAD_INCLUDE, entry.span(), "`include` takes paths");
                diagnostics.push(error.help("write `include \"services/*.kdl\"`"));
                continue;
            }
        };
        let path = folder.join(written);
        let mut pending = |path| found.push((path, span));
        if !written.contains(['*', '?', '[']) {
            pending(path);
            continue;
        }
        match loader.glob(&path) {
            Ok(mut paths) if !paths.is_empty() => {
                paths.sort();
                paths.into_iter().for_each(pending);
            }
            Ok(_) => {
                let message = format!("`{written}` matches no file");
                let warning = Diagnostic::warning(code::INCLUDE_MATCHES_NOTHING, span, message);
                diagnostics.push(warning.help(format!("looked in `{}`", shown_folder(folder))));
            }
            Err(error) => {
                let message = format!("cannot look for `{written}`: {error}");
                diagnostics.push(Diagnostic::error(code::INCLUDE_UNREADABLE, span, message));
            }
        }
    }
    if let Some(block) = node.block_span() {
        let error = Diagnostic::error(code::BAD_INCLUDE, block, "`include` has no block");
        diagnostics.push(error.help("write the paths behind it: `include \"a.kdl\" \"b.kdl\"`"));
    }
    found
}

fn shown_folder(folder: &Path) -> String {
    if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
}

fn unreadable(path: &Path, included_at: Option<Span>, error: &io::Error) -> Diagnostic {
    let message = format!("cannot read `{}`: {}", normal(path).display(), readable::why(error));
    match included_at {
        Some(span) => Diagnostic::error(code::INCLUDE_UNREADABLE, span, message)
            .help("paths are relative to the file that includes them"),
        None => Diagnostic::error_without_place(code::INCLUDE_UNREADABLE, message),
    }
}

/// Takes `.` and `..` out of a path as far as its text allows.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_in_the_address_space_is_refused() {
        let mut sources = Sources { map: SourceMap::nearly_full(), files: Vec::new() };
        let mut found = Diagnostics::default();
        sources.add("a.kdl".into(), "service \"a\" { command \"a\" }".to_owned(), &mut found);
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["svc::too-large"]);
        assert!(sources.files.is_empty());
    }
}
