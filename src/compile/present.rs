//! What a plan needs to find on the machine: programs and folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::compile::{Machine, Options};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::graph::{Launch, Plan};
use crate::model::service::{Model, Probing, Service, Target};
use crate::model::text::Text;
use crate::probe::Probe;

/// Where programs are looked for when no `PATH` is set; as execvp(3) does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Says which folders and programs are not there, each place of a file once.
pub(super) fn check(
    plan: &Plan,
    model: &Model,
    machine: &dyn Machine,
    options: Options,
    out: &mut Diagnostics,
) {
    let mut seen = Seen::default();
    let severity = if options.strict_paths { Severity::Error } else { Severity::Warning };
    let mut say = |seen: &mut Seen, diagnostic: Diagnostic| {
        if seen.is_first(diagnostic.span()) {
            out.push(Diagnostic { severity, ..diagnostic });
        }
    };
    // The services of a plan are those of its model, in the same order.
    let mut declared = model.services.iter();
    for service in &plan.services {
        let declared = declared.find(|declared| declared.name.span == service.span);
        let declared = declared.expect("a service of a plan was made of one of the model");
        for instance in &plan.instances[service.instances.start as usize..service.instances.end as usize] {
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
            for (program, span) in helpers(declared, launch).into_iter().flatten() {
                if !seen.has_program(program, launch, machine) {
                    say(&mut seen, missing_program(program, span, launch));
                }
            }
        }
    }
}

/// Returns what else a service runs, its probes and its stop command, with the places of the programs.
fn helpers<'a>(service: &Service, launch: &'a Launch) -> [Option<(&'a String, Span)>; 4] {
    fn first<'a>(words: &[Text], argv: &'a [String]) -> Option<(&'a String, Span)> {
        argv.first().zip(words.first().map(|word| word.span))
    }
    let probe = |written: &Option<Probing>, probe: &'a Option<Probe>| match (written, probe) {
        (Some(Probing { target: Target::Exec(words), .. }), Some(Probe::Exec(argv))) => first(words, argv),
        _ => None,
    };
    [
        probe(&service.readiness, &launch.readiness),
        probe(&service.startup, &launch.startup),
        probe(&service.liveness, &launch.liveness),
        service.stop_command.as_ref().zip(launch.stop_command.as_ref()).and_then(|(w, argv)| first(w, argv)),
    ]
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
    common: BTreeSet<String>,
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

    fn has_program(&mut self, program: &String, launch: &Launch, machine: &dyn Machine) -> bool {
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
