//! `svc run`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::base::{Name, Signal, duration};
use crate::cli::command::down::{shut_down, until_free};
use crate::cli::context::{Context, Verbosity};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::progress;
use crate::cli::run_file::RunFile;
use crate::cli::runs::{self, Run};
use crate::cli::screen::Screen;
use crate::cli::session::{self, Change, Watch};
use crate::cli::signals::{Interrupt, Signals};
use crate::cli::source;
use crate::compile::{Compiled, Options};
use crate::control::ConnectError;
use crate::control::wire::{self, Command, FailureStage, Happening, State};
use crate::diagnostic::Severity;
use crate::runtime::{BootError, Inherited, Project, boot};

/// `ENOENT` of errno(3).
const NOT_FOUND: i32 = 2;

/// Run one command, supervised, without a service file
///
/// In the foreground the command has this terminal's input and output, and svc exits with its code (128 + N
/// for signal N, 127 when there is no such program, 126 when it cannot be executed). Ctrl-C stops it in
/// order: SIGTERM, then after the grace period SIGKILL; a second Ctrl-C skips what is left of that.
///
/// With -d it is what nohup is for: svc returns as soon as the command runs and prints its name; the command
/// outlives the terminal, and its output goes to a file. From any folder `svc ps --run` lists such commands,
/// and `svc logs NAME -f`, `svc why NAME`, `svc stop NAME`, `svc restart NAME` and the like work on them;
/// `svc down NAME` ends it for good, with its supervisor. In a folder with a service file that has a service of that
/// name, the name means the service.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Return when it runs; it goes on without the terminal
    #[arg(short, long)]
    detach: bool,

    /// What to call it [default: the program's name, with a number when that runs already]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,

    /// When it is started again after it has ended
    #[arg(long, value_name = "POLICY", default_value = "never")]
    restart: Policy,

    /// Set a variable for it; may be given several times
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// Set the variables of this file for it, one NAME=VALUE a line; may be given several times
    #[arg(long, value_name = "FILE")]
    env_file: Vec<String>,

    /// How long it has to stop before it is killed [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    grace: Option<Duration>,

    /// The program and its arguments; no shell is involved
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    argv: Vec<String>,
}

/// When it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Policy {
    /// Not at all
    Never,
    /// After a code other than 0, or a signal
    OnFailure,
    /// However it ended
    Always,
}

impl Policy {
    /// Returns the word of the service file.
    const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::OnFailure => "on-failure",
            Self::Always => "always",
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    match Name::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("a name is made of letters, digits, `_` and `-`, and begins with a letter".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a variable is set by NAME=VALUE".to_owned()),
    }
}

/// Runs a command.
///
/// # Errors
///
/// The name is taken, an env-file cannot be read, or no supervisor can be started.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    session::block_on(async {
        let mut signals = Signals::take()?;
        let (run, mut watch) = start(context, args).await?;
        let context = runs::within(context, &run);
        let verdict = match begin(&mut watch, &run).await? {
            Begun::Runs | Begun::Ended(_) if args.detach => {
                return announce(&context, &run, &mut watch).await;
            }
            Begun::Runs => follow(&context, &run, &mut watch, &mut signals).await,
            Begun::Ended(code) => ended(&run, code).await,
            Begun::NotStarted(failure) => {
                let mut screen = Screen::new(&quiet(&context));
                shut_down(&context, &run.project, &mut watch, &mut screen, &mut signals, true, None).await?;
                Err(not_started(&args.argv, &failure))
            }
        };
        // Nothing of it is left to look at.
        runs::forget(&context, &run);
        verdict
    })
}

/// Starts the supervisor of a new run.
async fn start(context: &Context, args: &Args) -> Result<(Run, Watch), Trouble> {
    // From here on nobody else takes the name; the project's own lock holds it afterwards.
    let _lock = runs::lock(context)?;
    let name = args.name.clone().unwrap_or_else(|| runs::name_for(context, &args.argv[0]));
    if let Some(before) = runs::find(context, &name).filter(|run| run.project.is_running()) {
        replace(context, &before).await?;
    }
    let directory = fs::canonicalize(&context.directory)?;
    let env_files: Vec<String> =
        args.env_file.iter().map(|file| directory.join(file).to_string_lossy().into_owned()).collect();
    let file = RunFile {
        name: &name,
        argv: &args.argv,
        directory: &directory,
        restart: args.restart.word(),
        grace: args.grace,
        env: &args.env,
        env_files: &env_files,
        attached: !args.detach,
    };
    runs::write(context, &name, &file.write())?;
    let record = compiled(context, &runs::file(context, &name))?;
    let project =
        Project::of_file(&runs::file(context, &name), &context.places).map_err(|e| Trouble::of(&e))?;
    let inherited = if args.detach { Inherited::OwnLog } else { Inherited::Everything };
    boot(&project, &record, &context.environment(), inherited).map_err(|error| match error {
        BootError::Running => taken(&name),
        error => Trouble::of(&error),
    })?;
    let run = Run { name, project };
    let door = session::connect(&runs::within(context, &run), &run.project).await?;
    let watch = Watch::open(door).await?;
    Ok((run, watch))
}

/// Makes room for a run of the same name: ends the supervisor of one that has ended.
async fn replace(context: &Context, before: &Run) -> Result<(), Trouble> {
    let door = match Door::reach(&before.project).await {
        Ok(door) => door,
        Err(ConnectError::NotRunning) => return until_free(&before.project).await,
        Err(error) => return Err(Trouble::of(&error)),
    };
    let mut watch = Watch::open(door).await?;
    if watch.board.instances.iter().any(lives) {
        return Err(taken(&before.name));
    }
    let (mut screen, mut signals) = (Screen::new(&quiet(context)), Signals::take()?);
    shut_down(context, &before.project, &mut watch, &mut screen, &mut signals, true, None).await.map(drop)
}

fn lives(instance: &wire::Instance) -> bool {
    !matches!(instance.state, State::Inactive | State::Disabled | State::Completed | State::Failed)
}

fn taken(name: &str) -> Trouble {
    Trouble::new(Exit::Failed, format!("`{name}` runs already"))
        .help(format!("`svc down {name}` ends it; `--name` gives this one another name"))
}

/// Compiles the service file of a run to the record of an engine. Only what the user typed can be wrong with
/// it, so a mistake is told without a place.
fn compiled(context: &Context, file: &Path) -> Result<Vec<u8>, Trouble> {
    let (Compiled { plan, diagnostics, .. }, record) = source::compiled(context, file, Options::default())?;
    if plan.is_none() {
        let mistakes = diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let mistakes: Vec<String> = mistakes.map(|found| found.message.clone()).collect();
        return Err(Trouble::new(Exit::Usage, mistakes.join("; ")));
    }
    Ok(record.to_bytes()?)
}

/// What came of a start.
enum Begun {
    /// It runs, or has run already.
    Runs,
    /// It could not be started.
    NotStarted(wire::Failure),
    /// It has run, and so has its supervisor.
    Ended(Option<u8>),
}

/// Starts the command and waits until it runs, or has run already.
async fn begin(watch: &mut Watch, run: &Run) -> Result<Begun, Trouble> {
    watch.door.command(&Command::Start { names: vec![run.name.clone()], no_deps: false }).await?;
    loop {
        if let Change::Ended(code) = next(watch).await? {
            return Ok(Begun::Ended(code));
        }
        let Some((_, instance)) = watch.board.find(&run.name) else { continue };
        match (instance.state, &instance.cause.failure) {
            (State::Failed | State::Backoff, Some(failure)) => return Ok(Begun::NotStarted(failure.clone())),
            (State::Inactive | State::Disabled | State::Waiting | State::Starting, _) => {}
            _ => return Ok(Begun::Runs),
        }
    }
}

/// Waits for the next change and brings the board up to date with it.
async fn next(watch: &mut Watch) -> Result<Change, Trouble> {
    let change = watch.next().await;
    match &change {
        Change::Event(event) => {
            watch.board.apply(event);
        }
        Change::Resumed | Change::Ended(_) => {}
        Change::Gone => {
            return Err(Trouble::new(Exit::Failed, "the supervisor is gone and has not come back"));
        }
    }
    Ok(change)
}

/// Says that it runs: the name for scripts, the rest for people.
async fn announce(context: &Context, run: &Run, watch: &mut Watch) -> Result<Exit, Trouble> {
    let name = &run.name;
    context.print(&format!("{name}\n"))?;
    if context.verbosity != Verbosity::Quiet {
        // No event tells the process.
        watch.refresh().await?;
        let process = watch.board.find(name).and_then(|(_, instance)| instance.pid);
        let process = process.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        context.say(&format!(
            "{name} runs{process}; `svc logs {name} -f` follows its output, `svc stop {name}` stops it\n"
        ));
    }
    Ok(Exit::Done)
}

/// Waits for the end of a command that has our terminal, and stops it when a signal comes.
async fn follow(
    context: &Context,
    run: &Run,
    watch: &mut Watch,
    signals: &mut Signals,
) -> Result<Exit, Trouble> {
    loop {
        tokio::select! {
            change = next(watch) => match change? {
                Change::Ended(code) => return ended(run, code).await,
                Change::Event(event) => notice(context, &event),
                Change::Resumed | Change::Gone => {}
            },
            interrupt = signals.next() => return stop(context, run, watch, signals, interrupt).await,
        }
    }
}

async fn ended(run: &Run, code: Option<u8>) -> Result<Exit, Trouble> {
    until_free(&run.project).await?;
    Ok(Exit::Forwarded(code.unwrap_or(0)))
}

/// Says that it ended and will be started again: nobody else would know.
fn notice(context: &Context, event: &wire::Event) {
    if let Happening::Transition { to: State::Backoff, .. } = event.happening
        && context.verbosity != Verbosity::Quiet
        && let Some(line) = progress::plain(event, None)
    {
        context.say(&format!("svc: {line}\n"));
    }
}

/// Stops the command in order and passes its code on: for one that died of that, the interrupt's own.
async fn stop(
    context: &Context,
    run: &Run,
    watch: &mut Watch,
    signals: &mut Signals,
    interrupt: Interrupt,
) -> Result<Exit, Trouble> {
    let order = match interrupt {
        Interrupt::Quit => Command::Shutdown { kill: true },
        Interrupt::Interrupt | Interrupt::Terminate => {
            Command::Stop { names: vec![run.name.clone()], no_deps: false }
        }
    };
    watch.door.command(&order).await?;
    loop {
        tokio::select! {
            change = next(watch) => if let Change::Ended(code) = change? {
                return ended(run, code).await;
            },
            _ = signals.next() => {
                watch.door.command(&Command::Shutdown { kill: true }).await?;
            }
        }
        if !watch.board.instances.iter().any(lives) {
            break;
        }
    }
    // How it ended only an answer tells; a supervisor that was told to kill may have gone already.
    let answer = watch.door.services().await.ok();
    let exit = answer.and_then(|services| services.instances.into_iter().next()?.exit);
    let mut screen = Screen::new(&quiet(context));
    shut_down(context, &run.project, watch, &mut screen, signals, true, None).await?;
    Ok(match (exit, interrupt) {
        (Some(wire::Exit::Code(code)), _) => Exit::Forwarded(u8::try_from(code).unwrap_or(u8::MAX)),
        (_, Interrupt::Interrupt) => Exit::Interrupted,
        (Some(wire::Exit::Signal(signal)), Interrupt::Terminate) => {
            let number = Signal::parse(&signal).map_or(0, Signal::number);
            Exit::Forwarded(128 + u8::try_from(number).unwrap_or(0))
        }
        (Some(wire::Exit::OutOfMemory(_)), Interrupt::Terminate) => Exit::Forwarded(137),
        (_, Interrupt::Quit) => interrupt.exit(),
        (Some(wire::Exit::Unknown(())) | None, Interrupt::Terminate) => Exit::Failed,
    })
}

/// A command that could not be started: the codes of env(1), nohup(1) and timeout(1).
fn not_started(argv: &[String], failure: &wire::Failure) -> Trouble {
    let reason = std::io::Error::from_raw_os_error(failure.errno);
    let program = &argv[0];
    let exit = match failure.stage {
        FailureStage::Exec if failure.errno == NOT_FOUND => Exit::Forwarded(127),
        FailureStage::Exec => Exit::Forwarded(126),
        _ => Exit::Failed,
    };
    let trouble = Trouble::new(exit, format!("cannot run `{program}`: {reason}"));
    match argv {
        [line] if line.contains(char::is_whitespace) => {
            trouble.help("a command line for the shell is run by `svc run -- sh -c '…'`")
        }
        _ => trouble,
    }
}

/// The same, with nothing said.
fn quiet(context: &Context) -> Context {
    Context { verbosity: Verbosity::Quiet, ..context.clone() }
}
