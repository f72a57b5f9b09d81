//! The command line: one file a verb.
//!
//! Data goes to stdout, progress and mistakes to stderr. Every verb that asks something of running services
//! is a client of the control API, and has no other door. Nothing here ends the process: a verb returns its
//! [`Exit`], and only `main` turns that into the end.

pub mod account;
pub mod args;
pub mod board;
pub mod change;
pub mod command;
pub mod completion;
pub mod container;
pub mod context;
pub mod diff;
pub mod door;
pub mod engine;
pub mod exit;
pub mod groups;
pub mod machine;
pub mod operate;
pub mod orphans;
pub mod output;
pub mod progress;
pub mod pty;
pub mod replace;
pub mod request;
pub mod run_file;
pub mod runs;
#[cfg(test)]
mod sample;
pub mod screen;
pub mod session;
pub mod signals;
pub mod source;
pub mod stream;
pub mod style;
pub mod table;
pub mod tasks;
pub mod time;

use std::ffi::OsString;

use clap::Parser;

pub use context::{Context, Surroundings};
pub use exit::{Exit, Trouble};

use args::{Cli, Verb};
use style::Paint;

/// Does what the arguments say; the first one is the program's own name.
pub fn main(arguments: Vec<OsString>, surroundings: &Surroundings) -> Exit {
    if let Some(exit) = completion::answer(&arguments, surroundings) {
        return exit;
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let style =
        style::Style::decide(cli.color, std::io::IsTerminal::is_terminal(&std::io::stderr()), |name| {
            surroundings.text(name)
        });
    let result = Context::new(&cli, surroundings).and_then(|context| dispatch(&context, &cli.verb));
    result.unwrap_or_else(|trouble| {
        report(&trouble, style);
        trouble.exit
    })
}

fn dispatch(context: &Context, verb: &Verb) -> Result<Exit, Trouble> {
    match verb {
        Verb::Check(args) => command::check::run(context, args),
        Verb::Config(args) => command::config::run(context, args),
        Verb::Fmt(args) => command::fmt::run(context, args),
        Verb::Graph(args) => command::graph::run(context, args),
        Verb::Up(args) => command::up::run(context, args),
        Verb::Plan(args) => command::plan::run(context, args),
        Verb::Apply(args) => command::apply::run(context, args),
        Verb::Down(args) => command::down::run(context, args),
        Verb::Start(args) => command::start::run(context, args),
        Verb::Stop(args) => command::stop::run(context, args),
        Verb::Restart(args) => command::restart::run(context, args),
        Verb::Reload(args) => command::reload::run(context, args),
        Verb::Scale(args) => command::scale::run(context, args),
        Verb::Ps(args) => command::ps::run(context, args),
        Verb::Signal(args) => command::signal::run(context, args),
        Verb::Probe(args) => command::probe::run(context, args),
        Verb::Exec(args) => command::exec::run(context, args),
        Verb::Events(args) => command::events::run(context, args),
        Verb::Run(args) => command::run::run(context, args),
        Verb::Logs(args) => command::logs::run(context, args),
        Verb::Wait(args) => command::wait::run(context, args),
        Verb::Why(args) => command::why::run(context, args),
        Verb::Explain(args) => command::explain::run(context, args),
        Verb::Completions(args) => command::completions::run(context, args),
        Verb::Man(args) => command::man::run(context, args),
        Verb::Schema(args) => command::schema::run(context, args),
        Verb::Version(args) => command::version::run(context, args),
    }
}

/// Prints what the parser has to say: help to stdout, mistakes to stderr.
fn explain(error: &clap::Error) -> Exit {
    // Nobody can be told when the message cannot be written.
    let _ = error.print();
    // People who know other tools write the file behind the verb.
    if error.to_string().contains("unexpected argument '-f'") {
        report(
            &Trouble::new(Exit::Usage, "`-f FILE` stands before the verb: `svc -f FILE up`"),
            style::Style::PLAIN,
        );
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Tells a person what went wrong and what to do.
fn report(trouble: &Trouble, style: style::Style) {
    use std::io::Write;
    if trouble.message.is_empty() {
        return;
    }
    let mut text = format!("{} {}\n", style.paint(Paint::Bad, "error:"), trouble.message);
    if let Some(help) = &trouble.help {
        text += &format!(" {} {help}\n", style.paint(Paint::Dim, "help:"));
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
