//! What a plan needs to find on the machine: programs and folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use crate::compile::{Machine, Options};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::graph::{Launch, Plan};

/// Where programs are looked for when no `PATH` is set; as execvp(3) does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Says which folders and programs are not there.
pub(super) fn check(plan: &Plan, machine: &dyn Machine, options: Options, out: &mut Diagnostics) {
    let mut seen = Seen::default();
    let severity = if options.strict_paths { Severity::Error } else { Severity::Warning };
    for instance in &plan.instances {
        let launch = &*instance.launch;
        if !seen.is_dir(&launch.working_dir, machine) {
            // The folder of the file itself is there, or the file could not have been read.
            if let Some(span) = launch.working_dir_span {
                let message = format!("there is no folder `{}`", launch.working_dir.display());
                let diagnostic = Diagnostic::warning("svc::missing-working-dir", span, message);
                out.push(Diagnostic { severity, ..diagnostic.help("create it, or let a task do it before") });
            }
            continue;
        }
        if !seen.has_program(launch, machine) {
            let program = &launch.argv[0];
            let message = match program.contains('/') {
                true => format!("there is no program `{}`", launch.working_dir.join(program).display()),
                false => format!("there is no program `{program}` in the PATH"),
            };
            let diagnostic = Diagnostic::warning("svc::missing-program", launch.command_span, message);
            out.push(Diagnostic { severity, ..diagnostic });
        }
    }
}

/// What the machine was asked before, letter by letter: that is faster than comparing paths.
#[derive(Default)]
struct Seen {
    folders: BTreeMap<OsString, bool>,
    programs: BTreeMap<OsString, bool>,
    /// Programs found in svc's own `PATH`.
    common: BTreeSet<String>,
}

impl Seen {
    fn is_dir(&mut self, path: &Path, machine: &dyn Machine) -> bool {
        asked(&mut self.folders, path, |path| machine.is_dir(path))
    }

    fn is_executable(&mut self, path: &Path, machine: &dyn Machine) -> bool {
        asked(&mut self.programs, path, |path| machine.is_executable(path))
    }

    fn has_program(&mut self, launch: &Launch, machine: &dyn Machine) -> bool {
        let program = &launch.argv[0];
        if program.starts_with('/') {
            return self.is_executable(Path::new(program), machine);
        }
        if program.contains('/') {
            return self.is_executable(&launch.working_dir.join(program), machine);
        }
        let own = launch.env.iter().find(|(name, _)| &**name == "PATH").map(|(_, value)| value.as_deref());
        if own.is_none() && self.common.contains(program) {
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
