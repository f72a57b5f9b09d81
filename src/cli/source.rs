//! From a service file to its plan, with what is wrong shown to a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::base::Name;
use crate::cli::context::{Context, Verbosity, columns};
use crate::cli::exit::{Exit, Trouble};
use crate::compile::{self, Compiled, Options, Recorder};
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Diagnostic, Diagnostics, Look, SourceMap, human};
use crate::graph::plan::Readiness;
use crate::graph::{Plan, Scale};
use crate::model::policy::Kind;
use crate::model::resolved::Resolved;
use crate::runtime::machine::Host;
use crate::runtime::record::Record;

/// A service file without mistakes.
#[derive(Debug)]
pub struct Source {
    /// What should run.
    pub plan: Plan,
    /// The texts that the plan's places point into.
    pub map: SourceMap,
    /// What the engine makes the same plan from.
    pub record: Record,
}

impl Source {
    /// Returns whether a name is that of a service that counts as ready as soon as it runs.
    pub fn has_no_readiness(&self, name: &str) -> bool {
        self.plan.find(name).first().is_some_and(|&id| {
            let readiness = self.plan.rules(id).readiness;
            self.plan.service_of(id).kind == Kind::Service && readiness == Readiness::Started
        })
    }
}

/// Compiles a file with what is laid over it. Mistakes are in the answer.
///
/// # Errors
///
/// A file is not there.
pub fn compiled(context: &Context, file: &Path, options: Options) -> Result<(Compiled, Record), Trouble> {
    scaled(context, file, options, &BTreeMap::new())
}

/// [`compiled`], with these numbers of instances.
fn scaled(
    context: &Context,
    file: &Path,
    options: Options,
    counts: &BTreeMap<Name, u32>,
) -> Result<(Compiled, Record), Trouble> {
    let paths = roots(context, file)?;
    let scale = |(name, &count): (&Name, &u32)| (name.clone(), Scale { count, file: None });
    let host = Host::new(&context.variables, &context.profiles).scaled(counts.iter().map(scale).collect());
    let machine = Recorder::new(&host);
    let mut compiled = compile::compile(&paths, &machine, options);
    shorten(context, &mut compiled);
    let mut record = Record::new(&paths, machine.finish());
    if let Some(plan) = &compiled.plan {
        record.settle_scales(plan);
    }
    Ok((compiled, record))
}

/// Returns where a file and what is laid over it really are.
fn roots(context: &Context, file: &Path) -> Result<Vec<PathBuf>, Trouble> {
    context.with_overlays(file).iter().map(|path| canonical(context, path)).collect()
}

/// Names the files as a person here would.
fn shorten(context: &Context, compiled: &mut Compiled) {
    if let Some(here) = std::fs::canonicalize(&context.directory).ok().as_deref().and_then(Path::to_str) {
        compiled.sources.name_from(here);
    }
}

/// Returns where a file really is.
///
/// # Errors
///
/// It is not there.
pub fn canonical(context: &Context, file: &Path) -> Result<PathBuf, Trouble> {
    std::fs::canonicalize(context.directory.join(file)).map_err(|error| {
        let trouble = Trouble::of(&error);
        Trouble::new(Exit::Usage, format!("cannot read `{}`: {}", file.display(), trouble.message))
    })
}

/// Compiles one file and shows what is wrong with it.
///
/// # Errors
///
/// The file is not there, or it is invalid: that has been shown then.
pub fn plan(context: &Context, file: &Path) -> Result<Source, Trouble> {
    read(context, file, &BTreeMap::new()).map(|(source, _)| source)
}

/// Compiles one file and shows what is wrong with it; returns what cannot be run yet, too.
fn read(
    context: &Context,
    file: &Path,
    counts: &BTreeMap<Name, u32>,
) -> Result<(Source, Diagnostics), Trouble> {
    let (compiled, record) = scaled(context, file, Options::default(), counts)?;
    let (plan, map, later) = shown(context, compiled)?;
    Ok((Source { plan, map, record }, later))
}

/// Shows what is wrong with a file that was compiled; returns its plan, its texts, and what cannot be run yet.
fn shown(context: &Context, compiled: Compiled) -> Result<(Plan, SourceMap, Diagnostics), Trouble> {
    let Compiled { plan, diagnostics, later, sources } = compiled;
    let quiet = context.verbosity == Verbosity::Quiet && plan.is_some();
    if !diagnostics.is_empty() && !quiet {
        context.say(&drawn(context, &diagnostics, &sources));
    }
    if let (Some(plan), false) = (&plan, quiet) {
        unknown_profiles(context, plan);
    }
    match plan {
        Some(plan) => Ok((plan, sources, later)),
        None => Err(Trouble::new(Exit::Invalid, "")),
    }
}

/// What a service file without mistakes comes to, to be written down.
#[derive(Debug)]
pub struct Written {
    /// What holds once every layer is merged.
    pub resolved: Resolved,
    /// The texts that its places point into.
    pub map: SourceMap,
    plan: Plan,
}

impl Written {
    /// Returns the names of the services that a name stands for: a service, one of its instances, a group.
    ///
    /// # Errors
    ///
    /// It stands for none.
    pub fn named(&self, name: &str) -> Result<Vec<String>, Trouble> {
        known(&self.plan, &[name.to_owned()])?;
        Ok(self.plan.find(name).iter().map(|&id| self.plan.service_of(id).name.to_string()).collect())
    }
}

/// Compiles a file with what is laid over it to be written down, and shows what is wrong with it.
///
/// # Errors
///
/// The file is not there, or it is invalid: that has been shown then.
pub fn written(context: &Context, file: &Path) -> Result<Written, Trouble> {
    let paths = roots(context, file)?;
    let host = Host::new(&context.variables, &context.profiles);
    let (mut compiled, resolved) = compile::resolve(&paths, &host, Options::default());
    shorten(context, &mut compiled);
    let (plan, map, _) = shown(context, compiled)?;
    Ok(Written { resolved, map, plan })
}

/// [`plan`] of a file that is about to be started: what cannot be run yet is refused.
///
/// # Errors
///
/// The file is not there, it is invalid, or something in it cannot be run yet: that has been shown then.
pub fn runnable(context: &Context, file: &Path) -> Result<Source, Trouble> {
    runnable_scaled(context, file, &BTreeMap::new())
}

/// [`runnable`], with these numbers of instances.
///
/// # Errors
///
/// As [`runnable`], and a name that no service has.
pub fn runnable_scaled(
    context: &Context,
    file: &Path,
    counts: &BTreeMap<Name, u32>,
) -> Result<Source, Trouble> {
    let (source, later) = read(context, file, counts)?;
    let is_service = |name: &Name| source.plan.services.iter().any(|service| service.name == *name);
    if let Some(name) = counts.keys().find(|name| !is_service(name)) {
        return Err(unknown(&source.plan, name.as_str()));
    }
    if later.is_empty() {
        return Ok(source);
    }
    context.say(&drawn(context, &later, &source.map));
    Err(Trouble::new(Exit::Invalid, ""))
}

/// Warns of active profiles that no service belongs to.
fn unknown_profiles(context: &Context, plan: &Plan) {
    let known: BTreeSet<&str> =
        plan.services.iter().flat_map(|service| &service.profiles).map(Name::as_str).collect();
    for profile in context.profiles.iter().filter(|profile| !known.contains(profile.as_str())) {
        let help = match nearest(profile.as_str(), known.iter().copied()) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => String::new(),
        };
        context.say(&format!("warning: no service belongs to the profile `{profile}`{help}\n"));
    }
}

/// Refuses names that the service file does not know.
///
/// # Errors
///
/// One of them is not known.
pub fn known(plan: &Plan, names: &[String]) -> Result<(), Trouble> {
    let nobody = names.iter().find(|name| *name != "all" && plan.find(name).is_empty());
    nobody.map_or(Ok(()), |name| Err(unknown(plan, name)))
}

fn unknown(plan: &Plan, name: &str) -> Trouble {
    let trouble = Trouble::new(Exit::Absent, format!("unknown service `{name}`"));
    match nearest(name, plan.names()) {
        Some(nearest) => trouble.help(format!("did you mean `{nearest}`?")),
        None => trouble.help("`svc graph` shows every service of the file"),
    }
}

/// Draws findings for the person at stderr: on a terminal the first of many, into a pipe or a file all of them.
pub fn drawn(context: &Context, findings: &Diagnostics, map: &SourceMap) -> String {
    let width = columns(std::io::stderr()).unwrap_or(100).min(120);
    let limit = if std::io::stderr().is_terminal() { Look::default().limit } else { usize::MAX };
    let look = Look { color: context.err.colour, width, limit, ..Look::default() };
    let mut text = String::new();
    human(&mut text, findings, map, &look).expect("writing into memory does not fail");
    text
}

/// Draws one finding.
pub fn one(context: &Context, finding: Diagnostic, map: &SourceMap) -> String {
    let mut findings = Diagnostics::default();
    findings.push(finding);
    let text = drawn(context, &findings, map);
    // It stands alone: there is nothing to count.
    text.trim_end().trim_end_matches("1 error").trim_end().to_owned() + "\n"
}

/// Returns where an instance is declared: `services.kdl:12:9`; `None` when the file does not say any more.
pub fn declared(context: &Context, file: &Path, name: &str) -> Option<String> {
    let (compiled, _) = compiled(context, file, Options::default()).ok()?;
    let plan = compiled.plan?;
    let span = plan.service_of(*plan.find(name).first()?).span;
    let at = compiled.sources.location(span.lo)?;
    Some(format!("{}:{}:{}", context.shown(Path::new(at.file)), at.line, at.column))
}
