//! `svc check`.

use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use crate::base;
use crate::cli::context::{Context, Verbosity};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::choose;
use crate::cli::source::{compiled, drawn};
use crate::compile::{Compiled, Options, catalogue};
use crate::diagnostic::{self, Sarif};
use crate::graph::print::inventory;

/// Say everything that is wrong with service files, and run nothing
///
/// Exits with 78 when a file is invalid, else with 0. On a terminal the first 50 findings are shown, errors before warnings,
/// and the rest is counted; a pipe or a file gets all of them, in the order of the sources.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The files, each a project of its own; the service file when none is given
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// How to print what is wrong
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Count warnings as errors
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,

    /// A program or a directory that is not there is an error, even if a task could still make it
    #[arg(long)]
    strict_paths: bool,

    /// The time there is for stopping everything, such as a container engine grants; an error when it may take longer
    #[arg(long, value_name = "DURATION", value_parser = base::duration::parse)]
    stop_budget: Option<Duration>,
}

/// The forms of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// With the source underlined, on stderr
    #[default]
    Human,
    /// One object a line
    Json,
    /// Annotations of GitHub's workflows
    Github,
    /// One SARIF 2.1.0 log, with the rules
    Sarif,
}

/// What can be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Findings that are probably not what was meant
    Warnings,
}

/// Checks files.
///
/// # Errors
///
/// A file is not there.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    let files = if args.files.is_empty() { vec![context.service_file()?] } else { args.files.clone() };
    let mut exit = Exit::Done;
    let mut log = Sarif::new(catalogue::find);
    for file in &files {
        let options = Options { strict_paths: args.strict_paths, stop_budget: args.stop_budget };
        let (Compiled { plan, diagnostics, sources, .. }, record) = compiled(context, file, options)?;
        let (errors, warnings) = diagnostics.counts();
        if errors > 0 || plan.is_none() || (warnings > 0 && args.deny == Some(Deny::Warnings)) {
            exit = Exit::Invalid;
        }
        let mut text = String::new();
        match form {
            Format::Human if diagnostics.is_empty() => {}
            Format::Human => context.say(&drawn(context, &diagnostics, &sources)),
            Format::Json => diagnostic::json(&mut text, &diagnostics, &sources)
                .expect("writing into memory does not fail"),
            Format::Github => diagnostic::github(&mut text, &diagnostics, &sources)
                .expect("writing into memory does not fail"),
            Format::Sarif => log.add(&diagnostics, &sources),
        }
        if let (Format::Human, Some(plan), true) = (form, &plan, context.verbosity != Verbosity::Quiet) {
            text += &format!("{}: {}, nothing wrong\n", context.shown(file), inventory(plan));
            if warnings > 0 {
                text = String::new();
            }
        }
        context.print(&text)?;
        // The process is about to end; giving back a plan of 100 000 services piece by piece takes longer
        // than most of what was done with it.
        mem::forget((plan, diagnostics, sources, record));
    }
    if form == Format::Sarif {
        context.print(&log.finish(env!("CARGO_PKG_VERSION")))?;
    }
    Ok(exit)
}
