//! Starting the supervisor of a project: what `svc up` does when none runs.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::guard::start::{Start, StartError, own_program, start};
use crate::runtime::clock::Clock;
use crate::runtime::private;
use crate::runtime::project::{Project, ProjectError, fingerprint};

/// The first argument of an engine process; people do not type it.
pub const ENGINE: &str = "--engine";

/// How many descriptors an engine process is passed: the lock, and the stdin, stdout and stderr of
/// services that inherit svc's.
pub const PASSED: usize = 4;

/// How long a supervisor may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why no supervisor could be started.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The project's directories or its lock cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Another supervisor of this project runs, or is just starting or ending.
    #[error("another supervisor of this project is running")]
    Running,
    /// A file of the project cannot be written.
    #[error("cannot write `{file}`")]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The guard could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The supervisor does not answer.
    #[error("the supervisor {0}; its own messages are in `{1}`")]
    Silent(&'static str, PathBuf),
    /// Waiting for the supervisor failed.
    #[error("cannot wait for the supervisor")]
    Wait(#[source] io::Error),
}

/// What services are given that have `logs inherit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherited {
    /// The stdout and stderr of this process.
    Output,
    /// These and the stdin of this process.
    Everything,
    /// The supervisor's own log.
    OwnLog,
}

/// How the supervisor before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none, or it stopped everything.
    Clean,
    /// It was killed together with its guard: what it had started may still run.
    Killed,
}

/// Starts the supervisor of a project and returns when it answers on its socket.
///
/// `record` is what the engine makes its plan from, now and whenever it has to be started again.
///
/// # Errors
///
/// [`BootError`]; nothing runs then, except with `Silent`, where the guard goes on trying.
pub fn boot(
    project: &Project,
    record: &[u8],
    env: &[CString],
    inherited: Inherited,
) -> Result<Before, BootError> {
    let project = &project.settle(nix::unistd::getuid().as_raw())?;
    let lock = project.lock()?.ok_or(BootError::Running)?;
    let before = if project.journal().exists() { Before::Killed } else { Before::Clean };
    for leftover in project.leftovers() {
        match fs::remove_file(&leftover) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(BootError::Write { file: leftover, source });
            }
            _ => {}
        }
    }
    let file = project.record();
    private::write(&file, record).map_err(|source| BootError::Write { file, source })?;
    let own_log = open_own_log(&project.own_log())?;
    let watch = watch(&project.runtime_dir).map_err(BootError::Wait)?;
    let program = own_program().map_err(StartError::Prepare)?;
    let null = File::open("/dev/null").map_err(|error| BootError::Start(StartError::Prepare(error)))?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let (input, out, err) = match inherited {
        Inherited::Output => (null.as_fd(), stdout.as_fd(), stderr.as_fd()),
        Inherited::Everything => (stdin.as_fd(), stdout.as_fd(), stderr.as_fd()),
        Inherited::OwnLog => (null.as_fd(), own_log.as_fd(), own_log.as_fd()),
    };
    let child = start(&Start {
        program: program.as_fd(),
        engine: program.as_fd(),
        engine_argv: &engine_argv(project).map_err(StartError::Prepare)?,
        env,
        groups: Some(&groups_name(project)),
        passed: &[lock.as_fd(), input, out, err],
        stdout: Some(own_log.as_fd()),
        stderr: Some(own_log.as_fd()),
    })?;
    await_socket(project, &watch.0, child.pidfd.as_fd())?;
    leave(watch);
    Ok(before)
}

/// The arguments an engine process finds its project by.
fn engine_argv(project: &Project) -> io::Result<Vec<CString>> {
    let words = [
        b"svc".as_slice(),
        ENGINE.as_bytes(),
        project.id.as_bytes(),
        project.file.as_os_str().as_bytes(),
        project.runtime_dir.as_os_str().as_bytes(),
        project.state_dir.as_os_str().as_bytes(),
    ];
    Ok(words.into_iter().map(CString::new).collect::<Result<_, _>>()?)
}

/// The name of the guard's control groups: the project's, and which of its runtime directories it is, since the
/// same file may be run in several by who sets `SVC_RUNTIME_DIR`.
fn groups_name(project: &Project) -> String {
    let place = fingerprint(project.runtime_dir.as_os_str().as_bytes());
    format!("{}-{:04x}", project.id, place & 0xffff)
}

fn open_own_log(file: &Path) -> Result<File, BootError> {
    let mut options = File::options();
    options.create(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(file).map_err(|source| BootError::Write { file: file.to_owned(), source })
}

fn watch(folder: &Path) -> io::Result<(Inotify, WatchDescriptor)> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let watch = inotify.add_watch(folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)?;
    Ok((inotify, watch))
}

/// Ends a watch and leaves its descriptor to the end of this process: to close it takes the kernel up to
/// 30 ms, which the first service would start later.
fn leave((inotify, watch): (Inotify, WatchDescriptor)) {
    // It queues events at worst, which nobody reads.
    let _ = inotify.rm_watch(watch);
    let _ = ManuallyDrop::new(inotify);
}

/// Waits until somebody listens on the socket; the end of the guard ends the wait.
fn await_socket(project: &Project, watch: &Inotify, guard: BorrowedFd<'_>) -> Result<(), BootError> {
    let clock = Clock;
    let limit = clock.now() + PATIENCE;
    let silent = |what| BootError::Silent(what, project.own_log());
    loop {
        if UnixStream::connect(project.socket()).is_ok() {
            return Ok(());
        }
        let left = limit.since(clock.now());
        if left.is_zero() {
            return Err(silent("does not answer"));
        }
        let mut both = [PollFd::new(watch.as_fd(), PollFlags::POLLIN), PollFd::new(guard, PollFlags::POLLIN)];
        match poll(&mut both, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(BootError::Wait(errno.into())),
        }
        if both[1].any().unwrap_or(false) {
            return Err(silent("ended at once"));
        }
        // What exactly was created does not matter: connecting tells.
        let _ = watch.read_events();
    }
}
