//! A terminal of its own for one command: a pseudo-terminal, and what it takes to pass everything between it
//! and ours.
//!
//! The command's terminal is its session's alone, so nothing it starts can type into ours, whoever it runs as.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use nix::pty::openpty;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::session;

/// What ends the input of a terminal: Ctrl-D.
const END_OF_INPUT: u8 = 4;

/// Calls svc again with these arguments, on a terminal of its own, and returns its exit code.
///
/// # Errors
///
/// There is no pseudo-terminal to be had, or svc cannot be started.
pub fn run(context: &Context, arguments: Vec<OsString>) -> Result<Exit, Trouble> {
    let pair = openpty(None, None).map_err(io::Error::from)?;
    follow_size(&pair.master);
    let child = start(context, arguments, &pair.slave)?;
    drop(pair.slave);
    let raw = Raw::enter();
    let exit = session::block_on(relay(child, pair.master));
    drop(raw);
    exit
}

fn start(context: &Context, arguments: Vec<OsString>, terminal: &OwnedFd) -> io::Result<Child> {
    #[expect(
        clippy::disallowed_methods,
        reason = "svc itself, in a session of its own; it becomes the command"
    )]
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments).current_dir(&context.directory);
    command.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal.try_clone()?);
    command.spawn()
}

/// Passes everything on until the command has ended and all it wrote is passed on too.
async fn relay(mut child: Child, master: OwnedFd) -> Result<Exit, Trouble> {
    let mut resized = signal(SignalKind::window_change())?;
    let (mut keys, mut screen) = (File::from(master.try_clone()?), File::from(master.try_clone()?));
    // Reads of a terminal block; the one that waits for keys is left behind at the end.
    tokio::task::spawn_blocking(move || {
        // A terminal that is gone takes no keys any more.
        let _ = io::copy(&mut io::stdin(), &mut keys).and_then(|_| keys.write_all(&[END_OF_INPUT]));
    });
    let mut shown = tokio::task::spawn_blocking(move || show(&mut screen));
    let status = tokio::task::spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            _ = resized.recv() => follow_size(&master),
            done = &mut shown => {
                done.map_err(io::Error::other)??;
                break;
            }
        }
    }
    let status = status.await.map_err(io::Error::other)??;
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    Ok(Exit::Forwarded(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Copies what the command writes, until nobody has its terminal open.
fn show(screen: &mut File) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let mut out = io::stdout().lock();
    loop {
        match screen.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                out.write_all(&buffer[..length])?;
                out.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What Linux says when the other end is closed.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Gives the terminal the size of ours.
fn follow_size(master: impl AsFd) {
    if let Ok(size) = tcgetwinsize(io::stdin()) {
        // A size that cannot be set is no reason to stop.
        let _ = tcsetwinsize(master, size);
    }
}

/// Our terminal without a will of its own: keys go to the command as they are. As before when dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut raw) = before.clone() {
            raw.make_raw();
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &raw);
        }
        Self(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
