//! `svc exec`.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chdir, setgid, setgroups, setsid, setuid};

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::pty;
use crate::cli::runs;
use crate::cli::session;
use crate::control::wire::{Identity, Launch};

/// Run a command as a service runs: in its environment, directory, user, groups and umask
///
/// The command is not supervised and has nothing to do with the service's life: it takes the place of svc, with
/// this terminal's input and output, and its exit code is svc's (127 when there is no such program, 126 when
/// it cannot be executed). Without a command it is a shell.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The service or instance (`api`, `api.0`)
    #[arg(value_name = "SVC")]
    name: String,

    /// Give it a terminal of its own: what another user runs then cannot type into this one
    #[arg(short, long)]
    tty: bool,

    /// Keep its input open, as it is anyway
    #[arg(short, long)]
    interactive: bool,

    /// Begin a session whose terminal is stdin: what `--tty` calls
    #[arg(long, hide = true)]
    session: bool,

    /// The program and its arguments; no shell is involved [default: sh]
    #[arg(value_name = "CMD", trailing_var_arg = true, allow_hyphen_values = true)]
    argv: Vec<String>,
}

/// Runs a command as a service runs.
///
/// # Errors
///
/// No supervisor runs, the name is not known or means several instances, or the command cannot be run.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, std::slice::from_ref(&args.name), |context, _| {
        let project = session::project(context)?;
        if args.tty {
            let file = project.file.into_os_string();
            let words = ["-f".into(), file, "exec".into(), "--session".into(), args.name.clone().into()];
            let words = words.into_iter().chain(["--".into()]).chain(args.argv.iter().map(Into::into));
            return pty::run(context, words.collect());
        }
        let launch = session::block_on(async {
            let door = session::connect(context, &project).await?;
            Ok(door.launch(&args.name).await?)
        })?;
        let shell = ["sh".to_owned()];
        let argv = if args.argv.is_empty() { &shell[..] } else { &args.argv };
        if args.session {
            setsid().map_err(io::Error::from)?;
            rustix::process::ioctl_tiocsctty(io::stdin()).map_err(io::Error::from)?;
        }
        Err(become_it(context, &launch, argv))
    })
}

/// Turns this process into the command; returns only when that fails.
fn become_it(context: &Context, launch: &Launch, argv: &[String]) -> Trouble {
    if let Err((what, error)) = dress(launch) {
        return Trouble::new(
            Exit::Failed,
            format!("cannot run it as {} runs: {what}: {error}", launch.instance),
        );
    }
    let mut env = launch.env.clone();
    // What the terminal understands is the terminal's, not the service's.
    if rustix::termios::isatty(io::stdin())
        && let Some((_, term)) = context.variables.iter().find(|(name, _)| name == "TERM")
    {
        env.insert("TERM".to_owned(), term.to_string_lossy().into_owned());
    }
    #[expect(clippy::disallowed_methods, reason = "the process svc becomes: nobody is left to supervise it")]
    let mut command = Command::new(&argv[0]);
    let error = command.args(&argv[1..]).env_clear().envs(env).exec();
    let exit = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Trouble::new(Exit::Forwarded(exit), format!("cannot run `{}`: {error}", argv[0]))
}

/// Puts on what the service wears: umask, groups, user, directory, in the order in which each is still allowed.
fn dress(launch: &Launch) -> Result<(), (&'static str, io::Error)> {
    let at = |what| move |errno: nix::errno::Errno| (what, io::Error::from(errno));
    umask(Mode::from_bits_truncate(launch.umask.unwrap_or(0o022)));
    if let Some(Identity { uid, gid, groups }) = &launch.identity {
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).map_err(at("setting groups"))?;
        setgid(Gid::from_raw(*gid)).map_err(at("setting the group"))?;
        setuid(Uid::from_raw(*uid)).map_err(at("setting the user"))?;
    }
    chdir(launch.working_dir.as_str()).map_err(at("entering its directory"))
}
