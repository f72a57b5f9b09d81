//! What every verb is given: where it works, how it may print, which file it is about.

use std::ffi::{CString, OsString};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::base::Name;
use crate::cli::args::Cli;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::style::Style;
use crate::compile::override_of;
use crate::runtime::project::Places;

/// The name of the service file where none is given.
pub const DEFAULT_FILE: &str = "services.kdl";

/// What the process was started with.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// The working directory; `None` when it was removed.
    pub directory: Option<PathBuf>,
}

impl Surroundings {
    /// Reads a variable.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Reads a variable as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.variable(name).map(|value| value.to_string_lossy().into_owned())
    }
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only what goes wrong.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Also what only matters when something is odd.
    Verbose,
}

/// What every verb is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The service files that were named: each further one is laid over those before it.
    pub files: Vec<PathBuf>,
    /// The active profiles.
    pub profiles: Vec<Name>,
    /// Where relative paths start.
    pub directory: PathBuf,
    /// The form asked for before the verb.
    pub output: Option<String>,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Colours on stdout.
    pub out: Style,
    /// Colours on stderr.
    pub err: Style,
    /// Whether stderr is a terminal that lines can be redrawn on.
    pub live: bool,
    /// Where projects keep their things.
    pub places: Places,
    /// The environment services inherit.
    pub variables: Vec<(OsString, OsString)>,
}

impl Context {
    /// Makes the context from the global flags and the surroundings.
    ///
    /// # Errors
    ///
    /// The directory given by `-C` is not there.
    pub fn new(cli: &Cli, surroundings: &Surroundings) -> Result<Self, Trouble> {
        let base = surroundings.directory.clone().unwrap_or_else(|| PathBuf::from("/"));
        let directory = match &cli.directory {
            Some(dir) => {
                let dir = base.join(dir);
                if !dir.is_dir() {
                    let message = format!("cannot work in `{}`: it is not a directory", dir.display());
                    return Err(Trouble::new(Exit::Usage, message));
                }
                dir
            }
            None => base,
        };
        let terminal = io::stderr().is_terminal();
        let style = |terminal| Style::decide(cli.color, terminal, |name| surroundings.text(name));
        let plain = |name: &str| surroundings.text(name).is_some_and(|value| !value.is_empty());
        let dumb = surroundings.text("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        Ok(Self {
            files: files(cli, surroundings),
            profiles: cli.profiles.clone(),
            directory,
            output: cli.output.clone(),
            verbosity: match (cli.quiet, cli.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            out: style(io::stdout().is_terminal()),
            err: style(terminal),
            live: terminal && !dumb && !plain("NO_COLOR") && !plain("CI"),
            places: Places::of_user(nix::unistd::getuid().as_raw(), |name| surroundings.variable(name)),
            variables: surroundings.variables.clone(),
        })
    }

    /// Writes data to stdout.
    ///
    /// # Errors
    ///
    /// What the kernel says; a reader that went away becomes a quiet end.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes words for a person to stderr. Nobody can be told when that fails.
    pub fn say(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Returns the service file: the one given, or `services.kdl` here or in the nearest directory above.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn service_file(&self) -> Result<PathBuf, Trouble> {
        if let Some(file) = self.files.first() {
            return Ok(self.directory.join(file));
        }
        let found = self.directory.ancestors().map(|dir| dir.join(DEFAULT_FILE)).find(|file| file.is_file());
        found.ok_or_else(|| {
            let here = self.directory.display();
            Trouble::new(Exit::Usage, format!("there is no `{DEFAULT_FILE}` in `{here}` or above it"))
                .help("name the service file with `svc -f FILE VERB`")
        })
    }

    /// Returns the environment in the form a new process takes it.
    pub fn environment(&self) -> Vec<CString> {
        let entry = |(name, value): &(OsString, OsString)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
        };
        self.variables.iter().filter_map(entry).collect()
    }

    /// Returns what is compiled for a service file: with it all files that were named to be laid over it, or the
    /// override beside it, if there is one.
    pub fn with_overlays(&self, file: &Path) -> Vec<PathBuf> {
        let named: Vec<PathBuf> = self.files.iter().map(|file| self.directory.join(file)).collect();
        let same = |a: &Path, b: &Path| a == b || fs::canonicalize(a).ok() == fs::canonicalize(b).ok();
        let root = self.directory.join(file);
        match named.as_slice() {
            [first, _, ..] if same(first, &root) => named,
            _ => {
                let over = override_of(&root).filter(|over| over.is_file());
                std::iter::once(root).chain(over).collect()
            }
        }
    }

    /// Shows a path the way a person would write it from here.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory).unwrap_or(path).display().to_string()
    }
}

/// Returns the files that were named. In the variable `:` separates them, as in `PATH`.
fn files(cli: &Cli, surroundings: &Surroundings) -> Vec<PathBuf> {
    match (cli.file.as_slice(), surroundings.variable("SVC_FILE")) {
        ([only], Some(variable)) if *only == variable => std::env::split_paths(only).collect(),
        (files, _) => files.to_vec(),
    }
}

/// Returns how wide the terminal is that a stream goes to; `None` when it is none.
pub fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(stream)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|&columns| columns > 0)
}
