//! The command line as data: the global flags and the verbs.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};

use crate::cli::command::version;
use crate::cli::style::When;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::White.on_default().bold())
    .usage(AnsiColor::White.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::White.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default());

/// A process supervisor for Linux: one KDL file says what should run.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "svc", version, disable_help_subcommand = true, styles = STYLES, max_term_width = 100)]
#[command(after_help = "The service file is `services.kdl` in this directory or the nearest one above it.\n\
    `svc VERB --help` says more about a verb.")]
pub struct Cli {
    /// The service file; stands before the verb
    #[arg(short, long, value_name = "FILE", env = "SVC_FILE", hide_env = true)]
    pub file: Option<PathBuf>,

    /// Work in this directory
    #[arg(short = 'C', long, value_name = "DIR", env = "SVC_DIRECTORY", hide_env = true, global = true)]
    pub directory: Option<PathBuf>,

    /// The form of what is printed; which there are depends on the verb
    #[arg(short, long, value_name = "FORMAT", env = "SVC_OUTPUT", hide_env = true)]
    pub output: Option<String>,

    /// Whether to use colours
    #[arg(
        long,
        value_name = "WHEN",
        env = "SVC_COLOR",
        hide_env = true,
        global = true,
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: When,

    /// Say nothing but what goes wrong
    #[arg(short, long, env = "SVC_QUIET", hide_env = true, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, env = "SVC_VERBOSE", hide_env = true, global = true)]
    pub verbose: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What svc is asked to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// `version`
    Version(version::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
