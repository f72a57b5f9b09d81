//! The command line as data: the global flags and the verbs.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::builder::styling::{AnsiColor, Styles};

use crate::base::Name;
use crate::cli::command::{
    apply, check, completions, config, down, events, exec, explain, fmt, graph, logs, man, plan, probe, ps,
    reload, restart, run, scale, schema, signal, start, stop, up, version, wait, why,
};
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
#[command(after_help = "The service file is `services.kdl` in this directory or the nearest one above it;\n\
    `services.override.kdl` beside it is laid over it.\n\
    `svc VERB --help` says more about a verb. Every flag under \"Everywhere\" can be set by a variable:\n\
    SVC_FILE (several separated by `:`), SVC_PROFILE, SVC_DIRECTORY, SVC_OUTPUT, SVC_COLOR, SVC_QUIET, SVC_VERBOSE.")]
pub struct Cli {
    /// The service file; stands before the verb. Each further one is laid over those before it
    #[arg(help_heading = "Everywhere", short, long, value_name = "FILE", env = "SVC_FILE", hide_env = true)]
    pub file: Vec<PathBuf>,

    /// Activate profiles: services that belong to profiles are started while one of them is active
    #[arg(
        long = "profile",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = profile,
        env = "SVC_PROFILE",
        hide_env = true,
        global = true,
        help_heading = "Everywhere"
    )]
    pub profiles: Vec<Name>,

    /// Work in this directory
    #[arg(
        short = 'C',
        long,
        value_name = "DIR",
        env = "SVC_DIRECTORY",
        hide_env = true,
        global = true,
        help_heading = "Everywhere"
    )]
    pub directory: Option<PathBuf>,

    /// The form of what is printed; which there are depends on the verb
    #[arg(
        help_heading = "Everywhere",
        short,
        long,
        value_name = "FORMAT",
        env = "SVC_OUTPUT",
        hide_env = true
    )]
    pub output: Option<String>,

    /// Whether to use colours: auto (on a terminal), always or never
    #[arg(
        long,
        help_heading = "Everywhere",
        hide_possible_values = true,
        value_name = "WHEN",
        env = "SVC_COLOR",
        hide_env = true,
        global = true,
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: When,

    /// Say nothing but what goes wrong
    #[arg(
        short,
        long,
        env = "SVC_QUIET", value_parser = FalseyValueParser::new(),
        hide_env = true,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Everywhere"
    )]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, env = "SVC_VERBOSE", value_parser = FalseyValueParser::new(), hide_env = true, global = true, help_heading = "Everywhere")]
    pub verbose: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

fn profile(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

/// What svc is asked to do: the manual of a verb stands in its file.
#[expect(missing_docs, reason = "a doc comment here would replace the verb's manual")]
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    Check(check::Args),
    Config(config::Args),
    Fmt(fmt::Args),
    Graph(graph::Args),
    Up(up::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Down(down::Args),
    Start(start::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Reload(reload::Args),
    Scale(scale::Args),
    #[command(visible_aliases = ["status", "ls"])]
    Ps(ps::Args),
    Logs(logs::Args),
    Events(events::Args),
    Run(run::Args),
    Exec(exec::Args),
    Signal(signal::Args),
    Probe(probe::Args),
    Wait(wait::Args),
    Why(why::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    Man(man::Args),
    Schema(schema::Args),
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

    /// The manual of a verb.
    fn help(verb: &str) -> String {
        let mut command = Cli::command().term_width(100);
        command.build();
        let verb = command.find_subcommand_mut(verb).expect("the verb exists");
        verb.render_long_help().to_string()
    }

    #[test]
    fn every_verb_has_a_manual() {
        let mut pages = String::new();
        for verb in Cli::command().get_subcommands() {
            pages += &format!("==== svc {}\n{}\n", verb.get_name(), help(verb.get_name()));
            assert!(verb.get_about().is_some(), "`{}` says nothing about itself", verb.get_name());
        }
        insta::assert_snapshot!("manual", pages);
    }
}
