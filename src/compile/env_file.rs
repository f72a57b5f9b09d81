//! Env-files: each is read once, added to the sources, and its mistakes are said at their line.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::compile::Machine;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::model::node::env::{self, EnvFiles};
use crate::model::service::Variable;

/// Reads env-files through a machine.
pub(super) struct Reader<'m> {
    machine: &'m dyn Machine,
    map: SourceMap,
    /// What each file holds; why it could not be read.
    read: BTreeMap<PathBuf, Result<Vec<Variable>, io::ErrorKind>>,
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

    fn load(&mut self, path: &Path) -> Result<Vec<Variable>, io::ErrorKind> {
        let text = self.machine.read(path).map_err(|error| error.kind())?;
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
            Err(io::ErrorKind::NotFound) if optional => Vec::new(),
            Err(kind) => {
                let why = match kind {
                    io::ErrorKind::NotFound => "there is no such file",
                    io::ErrorKind::InvalidData => "it is not UTF-8",
                    io::ErrorKind::PermissionDenied => "permission denied",
                    io::ErrorKind::IsADirectory => "it is a folder",
                    _ => "it cannot be read",
                };
                let message = format!("cannot read `{}`: {why}", path.display());
                let diagnostic = Diagnostic::error("svc::env-file", span, message);
                self.found.push(match kind {
                    io::ErrorKind::NotFound => diagnostic.help("if it may be missing, say `optional=#true`"),
                    _ => diagnostic,
                });
                Vec::new()
            }
        }
    }
}
