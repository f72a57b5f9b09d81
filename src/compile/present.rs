//! What a plan needs to find on the machine: programs and folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::SharedStr;
use crate::compile::{Machine, Options};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::graph::{Launch, Plan};
use crate::probe::{Exec, Probe};

/// Where programs are looked for when no `PATH` is set; as execvp(3) does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Says which folders and programs are not there, each place of a file once.
pub(super) fn check(plan: &Plan, machine: &dyn Machine, options: Options, out: &mut Diagnostics) {
    let mut seen = Seen::default();
    let severity = if options.strict_paths { Severity::Error } else { Severity::Warning };
    let mut say = |seen: &mut Seen, diagnostic: Diagnostic| {
        if seen.is_first(diagnostic.span()) {
            out.push(Diagnostic { severity, ..diagnostic });
        }
    };
    for instance in &plan.instances {
        let launch = &*instance.launch;
        if !seen.is_dir(&launch.working_dir, machine) {
            // The folder of the file itself is there, or the file could not have been read.
            if let Some(span) = launch.working_dir_span {
                say(&mut seen, missing_folder(&launch.working_dir, span));
            }
            continue;
        }
        if !seen.has_program(&launch.argv[0], launch, machine) {
            say(&mut seen, missing_program(&launch.argv[0], launch.command_span, launch));
        }
        for Exec { argv, span } in helpers(launch) {
            if !seen.has_program(&argv[0], launch, machine) {
                say(&mut seen, missing_program(&argv[0], *span, launch));
            }
        }
    }
}

/// Iterates over what else a service runs: its probes and its stop command.
fn helpers(launch: &Launch) -> impl Iterator<Item = &Exec> {
    let probes = [&launch.readiness, &launch.startup, &launch.liveness];
    let probes = probes.into_iter().flatten().filter_map(|probe| match probe {
        Probe::Exec(exec) => Some(exec),
        Probe::Notify
        | Probe::Fd(_)
        | Probe::Log(_)
        | Probe::Tcp(_)
        | Probe::Unix(_)
        | Probe::Http(_)
        | Probe::File(_) => None,
    });
    probes.chain(&launch.stop_command).filter(|exec| !exec.argv.is_empty())
}

fn missing_folder(folder: &Path, span: Span) -> Diagnostic {
    let message = format!("there is no folder `{}`", folder.display());
    Diagnostic::warning("svc::missing-working-dir", span, message)
        .help("create it, or let a task do it before; a relative path starts in the folder of this file")
}

/// Returns a path without its `.` parts.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

fn missing_program(program: &str, span: Span, launch: &Launch) -> Diagnostic {
    let (message, help) = match program.contains('/') {
        true => (
            format!("there is no program `{}`", plain(&launch.working_dir.join(program)).display()),
            "build it, or let a task do it before; a relative path starts in the working directory",
        ),
        false => (
            format!("there is no program `{program}` in the PATH"),
            "install it, or write its path; that of one beside this file begins with `./`",
        ),
    };
    Diagnostic::warning("svc::missing-program", span, message).help(help)
}

/// What the machine was asked before, letter by letter: that is faster than comparing paths.
#[derive(Default)]
struct Seen {
    folders: BTreeMap<OsString, bool>,
    programs: BTreeMap<OsString, bool>,
    /// Programs found in svc's own `PATH`.
    common: BTreeSet<SharedStr>,
    /// Places of files of which something was said.
    said: BTreeSet<Span>,
}

impl Seen {
    /// Returns whether nothing was said of a place yet; replicas share theirs.
    fn is_first(&mut self, span: Span) -> bool {
        self.said.insert(span)
    }

    fn is_dir(&mut self, path: &Path, machine: &dyn Machine) -> bool {
        asked(&mut self.folders, path, |path| machine.is_dir(path))
    }

    fn is_executable(&mut self, path: &Path, machine: &dyn Machine) -> bool {
        asked(&mut self.programs, path, |path| machine.is_executable(path))
    }

    fn has_program(&mut self, program: &SharedStr, launch: &Launch, machine: &dyn Machine) -> bool {
        if program.starts_with('/') {
            return self.is_executable(program.as_ref(), machine);
        }
        if program.contains('/') {
            return self.is_executable(&launch.working_dir.join(program), machine);
        }
        let own = launch.env.iter().find(|(name, _)| &**name == "PATH").map(|(_, value)| value.as_deref());
        if own.is_none() && self.common.contains(&**program) {
            return true;
        }
        let inherited = || machine.environment().get("PATH").map(String::as_str);
        let path = own.unwrap_or_else(inherited).unwrap_or(DEFAULT_PATH);
        let mut folders = path.split(':');
        let found =
            folders.any(|folder| self.is_executable(&launch.working_dir.join(folder).join(program), machine));
        if found && own.is_none() {
            self.common.insert(program.clone());
        }
        found
    }
}

/// Asks once about each path.
fn asked(known: &mut BTreeMap<OsString, bool>, path: &Path, ask: impl Fn(&Path) -> bool) -> bool {
    if let Some(&known) = known.get(path.as_os_str()) {
        return known;
    }
    let found = ask(path);
    known.insert(path.into(), found);
    found
}
