//! The whole front end on one screen: sources to a plan and diagnostics.
//!
//! Everything the outcome depends on passes through [`Machine`], so that a recording of its answers
//! compiles to the same plan again.

mod budget;
pub mod catalogue;
mod env_file;
mod later;
pub mod machine;
mod present;
pub mod recorder;
mod secrets;

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Diagnostics, SourceMap};
use crate::graph::{self, Plan, World};
use crate::model::decode;
use crate::model::resolved::Resolved;
use crate::syntax;

pub use machine::{ChosenPorts, Machine, Memory};
pub use recorder::Recorder;
pub use secrets::hide;

/// What came of a compilation.
#[derive(Debug)]
pub struct Compiled {
    /// The plan; `None` when anything is wrong.
    pub plan: Option<Plan>,
    /// Everything that is wrong, in all files, in source order.
    pub diagnostics: Diagnostics,
    /// What is right and cannot be run yet, in source order: `svc up` refuses it.
    pub later: Diagnostics,
    /// The texts that the spans point into: service files, then env-files.
    pub sources: SourceMap,
}

/// How strict to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A program or a folder that is not there is an error instead of a warning. By default a task may
    /// still make it.
    pub strict_paths: bool,
    /// How long a complete stop may take; it is an error when grace periods allow for more.
    pub stop_budget: Option<Duration>,
}

/// Returns the path of the file that is laid over a root without being asked for, when it is there:
/// `services.override.kdl` beside `services.kdl`.
pub fn override_of(root: &Path) -> Option<PathBuf> {
    Some(root.with_file_name(format!("{}.override.kdl", root.file_stem()?.to_str()?)))
}

/// Compiles service files. The first one is the root, whose folder is the project's; each further one is laid over
/// those before it. Paths are absolute.
///
/// Never stops at a mistake: syntax and meaning of all files are looked at in one run.
pub fn compile(paths: &[PathBuf], machine: &dyn Machine, options: Options) -> Compiled {
    front_end(paths, machine, options, None)
}

/// [`compile`], and what holds once every layer is merged, to be written down. It says nothing while there are
/// mistakes.
pub fn resolve(paths: &[PathBuf], machine: &dyn Machine, options: Options) -> (Compiled, Resolved) {
    let mut resolved = Resolved::default();
    let compiled = front_end(paths, machine, options, Some(&mut resolved));
    (compiled, resolved)
}

fn front_end(
    paths: &[PathBuf],
    machine: &dyn Machine,
    options: Options,
    mut kept: Option<&mut Resolved>,
) -> Compiled {
    let mut diagnostics = Diagnostics::default();
    let mut sources = syntax::load(paths, machine, &mut diagnostics);
    let folder = |path: &Path| -> Arc<Path> { path.parent().unwrap_or(Path::new("/")).into() };
    let files: Vec<decode::File<'_>> = sources
        .files
        .iter()
        .map(|file| decode::File {
            document: &file.document,
            text: sources
                .map
                .source_at(file.document.span().lo)
                .map(|source| source.text.clone())
                .unwrap_or_default(),
            folder: folder(&file.path),
            layer: file.layer,
        })
        .collect();
    let root = paths.first().and_then(|path| path.parent()?.file_name()?.to_str()).unwrap_or("svc");
    let mut env_files = env_file::Reader::new(machine, mem::take(&mut sources.map));
    let model = decode::model(&files, root, &mut env_files, kept.as_deref_mut(), &mut diagnostics);
    if let Some(kept) = kept.as_deref_mut() {
        kept.project.0.clone_from(&model.project);
        kept.env.clone_from(&model.env);
    }
    let (mut map, found) = env_files.finish();
    diagnostics.append(found);
    let service_files = files.len();
    drop(files);
    drop(sources.files);
    let world = World {
        env: machine.environment(),
        accounts: machine.accounts(),
        profiles: machine.profiles(),
        scales: machine.scales(),
        ports: machine.ports(),
    };
    let mut later = later::later(&model);
    let plan = graph::build(model, &world, &mut diagnostics);
    if let (Some(kept), Some(plan)) = (kept, &plan) {
        for (kept, service) in kept.services.iter_mut().zip(&plan.services) {
            let env = &plan.instances[service.instances.start as usize].launch.env;
            kept.settle(|name| match env.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
                Ok(at) => env[at].1.as_deref(),
                Err(_) => world.env.get(name).map(String::as_str),
            });
        }
    }
    if let Some(plan) = &plan {
        present::check(plan, machine, options, &mut diagnostics);
        if let Some(budget) = options.stop_budget {
            budget::check(plan, budget, &mut diagnostics);
        }
    }
    diagnostics.sort();
    hide(&mut map, service_files, &mut [&mut diagnostics, &mut later]);
    let plan = plan.filter(|_| !diagnostics.has_errors());
    Compiled { plan, diagnostics, later, sources: map }
}
