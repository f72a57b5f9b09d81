//! Runs: commands that `svc run` supervises without anybody's service file.
//!
//! Each run is a project of its own, with a supervisor of its own: its environment is that of whoever
//! started it, it needs nobody else's plan to change, and it ends with nobody else. Its service file is
//! written for it under the state directory, so that every other verb works on it as on any project. Since
//! that place does not depend on where one is, a run is found by its name from any folder.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use crate::base::Name;
use crate::cli::context::{Context, DEFAULT_FILE};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::source;
use crate::compile::Options;
use crate::runtime::Project;
use crate::runtime::private;

/// A run on this machine.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name, which is that of its only service too.
    pub name: String,
    /// The project it is.
    pub project: Project,
}

/// Returns the folder with a folder for each run.
fn folder(context: &Context) -> PathBuf {
    context.places.state.join("run")
}

/// Returns the service file of the run with this name, whether there is one or not.
pub fn file(context: &Context, name: &str) -> PathBuf {
    folder(context).join(name).join(DEFAULT_FILE)
}

/// Finds the run with this name; one that has ended is found for as long as its folder is there.
pub fn find(context: &Context, name: &str) -> Option<Run> {
    // A name that is no name could lead out of the folder.
    Name::new(name).ok()?;
    let project = Project::of_file(&file(context, name), &context.places).ok()?;
    Some(Run { name: name.to_owned(), project })
}

/// Returns the runs that have a supervisor, by name.
pub fn running(context: &Context) -> Vec<Run> {
    let entries = fs::read_dir(folder(context)).into_iter().flatten().flatten();
    let names: BTreeSet<String> =
        entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned)).collect();
    let runs = names.iter().filter_map(|name| find(context, name));
    runs.filter(|run| run.project.is_running()).collect()
}

/// Keeps everybody else from starting a run, until it is dropped: so no two take the same name.
///
/// # Errors
///
/// The folder of the runs cannot be made.
pub fn lock(context: &Context) -> io::Result<File> {
    let folder = folder(context);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(folder.join(".lock"))?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// Writes the service file of a run. It may hold secrets of the command line, so it is its owner's alone.
///
/// # Errors
///
/// What the file system says.
pub fn write(context: &Context, name: &str, text: &str) -> io::Result<()> {
    let file = file(context, name);
    DirBuilder::new().recursive(true).mode(0o700).create(file.parent().unwrap_or(&file))?;
    private::write(&file, text.as_bytes())
}

/// Forgets a run that has ended and left nothing to be read.
pub fn forget(context: &Context, run: &Run) {
    // What cannot be removed is in nobody's way: its name is free.
    let _ = fs::remove_dir_all(folder(context).join(&run.name));
    let _ = fs::remove_dir_all(&run.project.state_dir);
}

/// Makes a name for a run out of what it runs: one that no running one has.
pub fn name_for(context: &Context, program: &str) -> String {
    let base = program.rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let mut base: String = base.chars().map(allowed).take(Name::MAX_LENGTH - 8).collect();
    if !base.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        base.insert(0, '_');
    }
    let free = |name: &String| !find(context, name).is_some_and(|run| run.project.is_running());
    let mut names = std::iter::once(base.clone()).chain((2u32..).map(|n| format!("{base}-{n}")));
    names.find(free).expect("the numbers do not run out")
}

/// Does something with the projects that `names` are of: those of the folder's service file, and runs.
///
/// A name that both know means the service file's: who stands in a project's folder talks about that.
/// Without names, or with a service file that was named, it is the project alone. The first code that is
/// not 0 becomes the code of all.
///
/// # Errors
///
/// Those of `action`; what comes after is left undone.
pub fn each(
    context: &Context,
    names: &[String],
    mut action: impl FnMut(&Context, &[String]) -> Result<Exit, Trouble>,
) -> Result<Exit, Trouble> {
    let (runs, others) = sorted(context, names);
    let mut exit = Exit::Done;
    if !others.is_empty() || runs.is_empty() {
        exit = action(context, &others)?;
    }
    for run in runs {
        let one = action(&within(context, &run), &[run.name])?;
        exit = if exit == Exit::Done { one } else { exit };
    }
    Ok(exit)
}

/// Returns the context in which a verb is about a run.
pub fn within(context: &Context, run: &Run) -> Context {
    Context { files: vec![run.project.file.clone()], ..context.clone() }
}

/// Returns whether this context is the one of the run with this name.
pub fn is_run(context: &Context, name: &str) -> bool {
    find(context, name).is_some_and(|run| context.files == [run.project.file])
}

/// Sorts names into those of runs and the others.
fn sorted(context: &Context, names: &[String]) -> (Vec<Run>, Vec<String>) {
    let mut runs = Vec::new();
    let mut others = Vec::new();
    for name in names {
        let run = if context.files.is_empty() { find(context, name) } else { None };
        match run.filter(|_| !is_services(context, name)) {
            Some(run) => runs.push(run),
            None => others.push(name.clone()),
        }
    }
    (runs, others)
}

/// Returns whether a name means something of the service file here; one that cannot be read keeps its names.
fn is_services(context: &Context, name: &str) -> bool {
    let Ok(file) = context.service_file() else { return false };
    let Ok((compiled, _)) = source::compiled(context, &file, Options::default()) else { return true };
    compiled.plan.is_none_or(|plan| !plan.find(name).is_empty())
}
