//! `svc fmt`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::{Context, Verbosity};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::source::{canonical, drawn};
use crate::cli::{diff, replace};
use crate::compile::hide;
use crate::diagnostic::Diagnostics;
use crate::runtime::machine::Host;
use crate::runtime::read;
use crate::syntax::format::{Unformatted, format};
use crate::syntax::{self, Sources, readable};

/// What stands for stdin among the files.
const STDIN: &str = "-";

/// Format service files, keeping every comment and changing nothing of what they say
///
/// A node a line, four blanks a level, lines of up to 100 characters; blocks on one line stay there while
/// they fit. Files with mistakes are left as they are. Exits with 78 when there were any, with 1 when
/// `--check` found a file that is not formatted, else with 0.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The files; `-` formats stdin to stdout; the service file, what it includes and its override when none is given
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Write nothing; show what would change
    #[arg(long)]
    check: bool,
}

/// Formats files.
///
/// # Errors
///
/// A file is not there or cannot be written.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let host = Host::new(&context.variables, &context.profiles);
    let mut findings = Diagnostics::default();
    let mut sources = if args.files.is_empty() {
        syntax::load(&project(context)?, &host, &mut findings)
    } else {
        named(context, &args.files, &host, &mut findings)?
    };
    if let Some(here) = std::fs::canonicalize(&context.directory).ok().as_deref().and_then(Path::to_str) {
        sources.map.name_from(here);
    }
    let mut unformatted = 0;
    for index in 0..sources.files.len() {
        unformatted += usize::from(!file(context, args, &sources, index)?);
    }
    if args.check && unformatted > 0 && context.verbosity != Verbosity::Quiet {
        let files = if unformatted == 1 { "1 file is" } else { &format!("{unformatted} files are") };
        context.say(&format!("{files} not formatted\n"));
    }
    if findings.has_errors() {
        findings.sort();
        let service_files = sources.files.len();
        hide(&mut sources.map, service_files, &mut [&mut findings]);
        context.say(&drawn(context, &findings, &sources.map));
        return Ok(Exit::Invalid);
    }
    Ok(if args.check && unformatted > 0 { Exit::Failed } else { Exit::Done })
}

/// Returns the service file and what is laid over it.
fn project(context: &Context) -> Result<Vec<PathBuf>, Trouble> {
    context.with_overlays(&context.service_file()?).iter().map(|file| canonical(context, file)).collect()
}

/// Reads files by their names, each once, and not what they include.
fn named(
    context: &Context,
    files: &[PathBuf],
    host: &Host,
    findings: &mut Diagnostics,
) -> Result<Sources, Trouble> {
    let mut sources = Sources::default();
    let mut seen = BTreeSet::new();
    for file in files {
        if file.as_os_str() == STDIN {
            let text = read::stream(io::stdin().lock(), 0).map_err(|error| {
                Trouble::new(Exit::Invalid, format!("cannot read stdin: {}", readable::why(&error)))
            })?;
            sources.add(PathBuf::from(STDIN), text, findings);
            continue;
        }
        let path = canonical(context, file)?;
        if seen.insert(path.clone()) {
            sources.read(path, host, findings);
        }
    }
    Ok(sources)
}

/// Formats one of the files; returns whether it was formatted before, or cannot be.
fn file(context: &Context, args: &Args, sources: &Sources, index: usize) -> Result<bool, Trouble> {
    let source = &sources.files[index];
    let text: Arc<str> = sources.map.text(source.document.span()).into();
    let stdin = source.path.as_os_str() == STDIN;
    let name = if stdin { "stdin".to_owned() } else { context.shown(&source.path) };
    // Its mistakes were found when it was loaded.
    let formatted = match format(&text, 0, &mut Diagnostics::default()) {
        Ok(formatted) => formatted,
        Err(Unformatted::Mistakes) => return Ok(true),
        Err(Unformatted::ReadsDifferently) => {
            let message = format!("formatting `{name}` would change what it says; it was left as it is");
            return Err(
                Trouble::new(Exit::Failed, message).help("this is a bug of svc: please report the file")
            );
        }
    };
    let unchanged = formatted == *text;
    match (args.check, stdin) {
        (true, _) => context.print(&diff::unified(&name, &text, &formatted, context.out))?,
        (false, true) => context.print(&formatted)?,
        (false, false) if unchanged => {}
        (false, false) => {
            replace::replace(&source.path, &formatted).map_err(|error| {
                Trouble::new(Exit::Failed, format!("cannot write `{name}`: {}", Trouble::of(&error).message))
            })?;
            if context.verbosity != Verbosity::Quiet {
                context.print(&format!("{name}\n"))?;
            }
        }
    }
    Ok(unchanged)
}
