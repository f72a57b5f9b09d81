//! `svc completions`.

use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Zsh};

use crate::cli::completion::ASKED;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};

/// Print the script that lets a shell complete verbs, flags and the names of services
///
/// For bash put `source <(svc completions bash)` into `~/.bashrc`, for zsh the same with `zsh` into `~/.zshrc`;
/// for fish put `svc completions fish | source` into `~/.config/fish/config.fish`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The shells svc knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    /// GNU Bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// Z shell
    Zsh,
}

/// Prints a script.
///
/// # Errors
///
/// Nobody reads it.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let completer: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    completer.write_registration(ASKED, "svc", "svc", "svc", &mut script)?;
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
