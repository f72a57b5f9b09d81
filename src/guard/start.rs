//! Starting a guard, and the first lines of one.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use crate::base::{Limit, SpawnFailure};
use crate::guard::client::GuardLink;
use crate::guard::engine_process::{ENGINE_SOCKET, Recipe};
use crate::guard::serve::{Guard, say};
use crate::sys::descriptors;
use crate::sys::launch::{Child, Launcher, Order, Program};
use crate::sys::process;

/// The first argument of a guard; people do not type it.
const ENTRY: &str = "--guard";
/// The descriptor a guard finds the engine's program at; what is passed through follows.
const PROGRAM: RawFd = 3;
/// How many descriptors may be passed through.
const PASSED_MAX: usize = 16;

/// A guard to be started.
pub struct Start<'a> {
    /// svc itself, as an open file.
    pub program: BorrowedFd<'a>,
    /// The engine's program: svc too, except in tests.
    pub engine: BorrowedFd<'a>,
    /// The engine's arguments, starting with its name.
    pub engine_argv: &'a [CString],
    /// The environment of guard and engine.
    pub env: &'a [CString],
    /// What the guard's control groups are found by, unlike any other guard's; absent means that none are made.
    pub groups: Option<&'a str>,
    /// What guard and engine hold for as long as they live, such as the lock of the runtime directory. The
    /// engine finds them from descriptor 4 on.
    pub passed: &'a [BorrowedFd<'a>],
    /// Stdout of guard and engine; absent means `/dev/null`.
    pub stdout: Option<BorrowedFd<'a>>,
    /// Stderr of guard and engine; absent means `/dev/null`.
    pub stderr: Option<BorrowedFd<'a>>,
}

/// Why a guard could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something needed to launch it could not be had.
    #[error("cannot prepare the guard's start")]
    Prepare(#[from] io::Error),
    /// More descriptors are passed through than can be.
    #[error("cannot pass {0} descriptors to the guard")]
    TooMany(usize),
    /// It was not launched.
    #[error("cannot start the guard: {0}")]
    Launch(SpawnFailure),
}

/// Opens the program of this process, whatever has become of its name.
///
/// # Errors
/// What open(2) says.
pub fn own_program() -> io::Result<OwnedFd> {
    match File::open("/proc/self/exe") {
        Ok(file) => Ok(file.into()),
        // There is no `/proc`: by the name it was started by, which is as good until somebody renames it.
        Err(error) => Ok(File::open(process::started_as().ok_or(error)?)?.into()),
    }
}

/// Starts a guard as a process of its own, which outlives this one: its own session, no terminal, `/` as
/// its directory, stdin `/dev/null`, no descriptors but those given. It starts the engine.
///
/// # Errors
/// As [`StartError`] says; nothing was started then.
pub fn start(start: &Start<'_>) -> Result<Child, StartError> {
    if start.passed.len() > PASSED_MAX {
        return Err(StartError::TooMany(start.passed.len()));
    }
    let mut launcher = Launcher::new()?;
    let null = launcher.null().try_clone_to_owned()?;
    let mut fds = vec![
        (0, null.as_fd()),
        (1, start.stdout.unwrap_or(null.as_fd())),
        (2, start.stderr.unwrap_or(null.as_fd())),
        (PROGRAM, start.engine),
    ];
    fds.extend(start.passed.iter().zip(PROGRAM + 1..).map(|(fd, number)| (number, *fd)));
    let mut argv = vec![c"svc".to_owned(), text(ENTRY)?, text(&start.passed.len().to_string())?];
    argv.push(text(start.groups.unwrap_or_default())?);
    argv.extend_from_slice(start.engine_argv);
    let launched = launcher.launch(&Order {
        program: Program::File(start.program),
        argv: &argv,
        env: start.env,
        cwd: Some(c"/"),
        umask: 0o022,
        credentials: None,
        limits: &[Limit::descriptors(process::nofile())],
        nice: None,
        group: None,
        session: true,
        own_pid: &[],
        fds: &fds,
    });
    launched.map_err(StartError::Launch)
}

fn text(words: &str) -> io::Result<CString> {
    Ok(CString::new(words)?)
}

/// Runs the guard when these are the arguments of one; returns the code to exit with, or `None` when they
/// are a person's. To be called first of all in `main`.
pub fn main(args: &[OsString], env: impl FnOnce() -> Vec<CString>) -> Option<u8> {
    if args.get(1)? != ENTRY {
        return None;
    }
    Some(match serve(args, env()) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("cannot go on: {error}"));
            1
        }
    })
}

fn serve(args: &[OsString], env: Vec<CString>) -> io::Result<u8> {
    let count = args.get(2).and_then(|count| count.to_str()).and_then(|count| count.parse().ok());
    let count = count.filter(|count| *count <= PASSED_MAX).ok_or(io::ErrorKind::InvalidInput)?;
    let program = descriptors::take_inherited(PROGRAM)?;
    let passed = take(PROGRAM + 1, count)?;
    // Before Linux 5.11 there is no such call; then only what the starter left open leaks.
    let _best_effort = descriptors::close_all_on_exec();
    process::set_name(c"svc-guard")?;
    let groups = args.get(3).and_then(|groups| groups.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
    let argv = args[4..].iter().map(|arg| CString::new(arg.as_bytes()));
    let argv = argv.collect::<Result<_, _>>()?;
    // What is held for life, such as the project's lock, is let go by the kernel, after it has taken this
    // process away: whoever waits for the lock finds nobody left.
    let mut guard = ManuallyDrop::new(Guard::new(Recipe { program, argv, env, passed }, groups)?);
    let code = guard.run();
    guard.leave();
    code
}

/// Takes what the engine was started with: its link to the guard, and the descriptors that were passed
/// through [`Start::passed`], in order. For the engine's first lines.
///
/// # Errors
/// This process was not started by a guard, or with fewer descriptors.
pub fn inherited(passed: usize) -> io::Result<(GuardLink, Vec<OwnedFd>)> {
    let link = GuardLink::from_fd(descriptors::take_inherited(ENGINE_SOCKET)?)?;
    Ok((link, take(ENGINE_SOCKET + 1, passed)?))
}

fn take(first: RawFd, count: usize) -> io::Result<Vec<OwnedFd>> {
    (first..).take(count).map(descriptors::take_inherited).collect()
}
