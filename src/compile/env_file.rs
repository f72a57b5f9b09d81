//! Env-files: each is read once, added to the sources, and its mistakes are said at their line.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::compile::Machine;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::model::node::env::{self, EnvFiles};
use crate::model::service::Variable;
use crate::syntax::readable;

/// Reads env-files through a machine.
pub(super) struct Reader<'m> {
    machine: &'m dyn Machine,
    map: SourceMap,
    /// What each file holds; why it could not be read.
    read: BTreeMap<PathBuf, Result<Vec<Variable>, io::Error>>,
    found: Diagnostics,
}

impl<'m> Reader<'m> {
    pub(super) fn new(machine: &'m dyn Machine, map: SourceMap) -> Self {
        Self { machine, map, read: BTreeMap::new(), found: Diagnostics::default() }
    }

    /// Returns all sources and what was wrong.
    pub(super) fn finish(self) -> (SourceMap, Diagnostics) {
        (self.map, self.found)
    }

    fn load(&mut self, path: &Path) -> io::Result<Vec<Variable>> {
        let text = self.machine.read(path)?;
        let name = path.display().to_string();
        let base = self.map.add(name, text.clone()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let (variables, mistakes) = env::parse(&text, base);
        for (span, why) in mistakes {
            let diagnostic = Diagnostic::error("svc::bad-env-file", span, why);
            self.found.push(diagnostic.help("a line is `NAME=value`; a comment starts with `#`"));
        }
        Ok(variables)
    }
}

impl EnvFiles for Reader<'_> {
    fn read(&mut self, path: &Path, span: Span, optional: bool) -> Vec<Variable> {
        if !self.read.contains_key(path) {
            let loaded = self.load(path);
            self.read.insert(path.to_owned(), loaded);
        }
        match &self.read[path] {
            Ok(variables) => variables.clone(),
            Err(error) if optional && error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let message = format!("cannot read `{}`: {}", path.display(), readable::why(error));
                let diagnostic = Diagnostic::error("svc::env-file", span, message);
                self.found.push(match error.kind() {
                    io::ErrorKind::NotFound => diagnostic.help("if it may be missing, say `optional=#true`"),
                    _ => diagnostic,
                });
                Vec::new()
            }
        }
    }
}
