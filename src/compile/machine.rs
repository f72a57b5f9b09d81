//! The machine as far as the outcome of a compilation depends on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::Name;
use crate::graph::{Account, Accounts, AutoPort, Ports, Scale};
use crate::syntax::Loader;

/// What a compilation asks of a machine. Texts come through [`Loader`], users and groups through [`Accounts`], numbers of
/// ports through [`Ports`].
pub trait Machine: Loader + Accounts + Ports {
    /// Returns the environment that services start from: that of svc itself.
    fn environment(&self) -> &BTreeMap<String, String>;

    /// Returns whether there is a program at `path` that may be executed.
    fn is_executable(&self, path: &Path) -> bool;

    /// Returns whether there is a folder at `path`.
    fn is_dir(&self, path: &Path) -> bool;

    /// Returns the profiles that are active.
    fn profiles(&self) -> &BTreeSet<Name>;

    /// Returns how many instances operators asked for.
    fn scales(&self) -> &BTreeMap<Name, Scale>;

    /// Returns the part that knows users and groups.
    fn accounts(&self) -> &dyn Accounts;

    /// Returns the part that knows ports.
    fn ports(&self) -> &dyn Ports;
}

/// A machine that exists in memory only: a recorded one, or that of a test.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Texts by path.
    pub files: BTreeMap<PathBuf, Arc<str>>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Programs.
    pub programs: BTreeSet<PathBuf>,
    /// Folders.
    pub folders: BTreeSet<PathBuf>,
    /// Users by name.
    pub users: BTreeMap<String, Account>,
    /// Groups by name.
    pub groups: BTreeMap<String, u32>,
    /// Active profiles.
    pub profiles: BTreeSet<Name>,
    /// How many instances operators asked for.
    pub scales: BTreeMap<Name, Scale>,
    /// The ports that were chosen.
    pub ports: ChosenPorts,
}

/// Ports by the name of their instance and their own; every other one is free.
pub type ChosenPorts = BTreeMap<(String, String), u16>;

impl Loader for Memory {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        let text = pattern.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let pattern =
            glob::Pattern::new(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
        Ok(self.files.keys().filter(|path| pattern.matches_path_with(path, options)).cloned().collect())
    }
}

impl Accounts for Memory {
    fn user(&self, name: &str) -> Option<Account> {
        self.users.get(name).cloned()
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied()
    }
}

impl Machine for Memory {
    fn environment(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    fn is_executable(&self, path: &Path) -> bool {
        self.programs.contains(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.folders.contains(path)
    }

    fn profiles(&self) -> &BTreeSet<Name> {
        &self.profiles
    }

    fn scales(&self) -> &BTreeMap<Name, Scale> {
        &self.scales
    }

    fn accounts(&self) -> &dyn Accounts {
        self
    }

    fn ports(&self) -> &dyn Ports {
        self
    }
}

impl Ports for Memory {
    fn choose(&self, port: AutoPort<'_>) -> Option<u16> {
        // Nobody else is here, in whatever folder.
        let port = AutoPort { folder: Path::new("/"), ..port };
        kept(&self.ports, port).or_else(|| port.numbers().next())
    }
}

/// Returns the number that was chosen before, unless it is given to another one by now.
pub fn kept(chosen: &ChosenPorts, port: AutoPort<'_>) -> Option<u16> {
    let number = chosen.get(&(port.instance.to_owned(), port.name.to_owned())).copied();
    number.filter(|number| !port.taken.contains(number))
}
