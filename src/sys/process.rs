//! Processes by handle: signalling, waiting, and what a parent of many needs to be.
//!
//! A process is signalled through a pidfd and never through a number that the kernel may have given to
//! another meanwhile.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, Resource, Rlimit};

use crate::base::{ExitStatus, Signal};

/// The flag of pidfd_send_signal(2) that means the process group (Linux 6.9).
const PROCESS_GROUP: libc::c_uint = 1 << 2;

/// Opens a handle on a process; closes on exec.
///
/// # Errors
/// `ESRCH` when there is none of this number, else what pidfd_open(2) says.
pub fn pidfd(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// Sends a signal to the process a handle stands for.
///
/// # Errors
/// `ESRCH` when it was reaped, else what pidfd_send_signal(2) says.
pub fn signal(pidfd: impl AsFd, signal: Signal) -> io::Result<()> {
    send(pidfd, signal.number(), 0)
}

/// Sends a signal to the process group that the process a handle stands for leads or led.
///
/// # Errors
/// `ESRCH` when the group is empty, `EINVAL` on a kernel before 6.9, else what pidfd_send_signal(2) says.
pub fn signal_group(pidfd: impl AsFd, signal: Signal) -> io::Result<()> {
    send(pidfd, signal.number(), PROCESS_GROUP)
}

/// Returns whether the process group that this process leads or led has a member; `None` when the kernel
/// is too old to be asked.
pub fn group_has_members(pidfd: impl AsFd) -> Option<bool> {
    match send(pidfd, 0, PROCESS_GROUP) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Some(false),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => None,
        // Not being allowed to signal it takes someone to be signalled.
        Ok(()) | Err(_) => Some(true),
    }
}

fn send(pidfd: impl AsFd, signal: i32, flags: libc::c_uint) -> io::Result<()> {
    let fd = pidfd.as_fd().as_raw_fd();
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: without a siginfo the call touches no memory of ours.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, flags) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a signal to the group of an unreaped child, whose number is therefore its own.
///
/// # Errors
/// What kill(2) says.
pub fn signal_group_of_child(pid: u32, signal: Signal) -> io::Result<()> {
    let group = i32::try_from(pid).ok().filter(|pid| *pid > 1).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: touches no memory.
    if unsafe { libc::kill(-group, signal.number()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Returns whether any process, group or session has this number, zombies included.
///
/// Asked by naming it the owner of a file that never signals anyone: fcntl(2) `F_SETOWN` looks the
/// number up without touching what it finds. One call tells that an ended leader's session is empty,
/// where reading `/proc` would take one per process of the machine. A kernel that does not answer
/// (before 4.12) says yes.
pub fn number_in_use(pid: u32, any_file: impl AsFd) -> bool {
    let Ok(pid) = i32::try_from(pid) else { return false };
    let fd = any_file.as_fd().as_raw_fd();
    // SAFETY: F_SETOWN touches no memory; without O_ASYNC the owner is never signalled.
    let found = unsafe { libc::fcntl(fd, libc::F_SETOWN, pid) } == 0;
    found || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// A child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its number, which stays its own until it is reaped.
    pub pid: u32,
    /// How it ended.
    pub exit: ExitStatus,
}

/// What children have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// This one, and it is still to be reaped.
    Ended(Ended),
    /// None for now.
    AllRun,
    /// There are no children.
    None,
}

/// Looks at a child that ended without reaping it.
///
/// # Errors
/// What waitid(2) says.
pub fn peek_ended() -> io::Result<Children> {
    match wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
        Ok(Some(ended)) => Ok(Children::Ended(ended)),
        Ok(None) => Ok(Children::AllRun),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Children::None),
        Err(error) => Err(error),
    }
}

/// Reaps a child, waiting for its end if need be.
///
/// # Errors
/// `ECHILD` when it is no child of ours, else what waitid(2) says.
pub fn reap(pid: u32) -> io::Result<ExitStatus> {
    loop {
        match wait(libc::P_PID, pid, libc::WEXITED) {
            Ok(Some(ended)) => return Ok(ended.exit),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Not nix's or rustix's: the one refuses real-time signals, the other does not tell the process.
fn wait(kind: libc::idtype_t, id: u32, options: i32) -> io::Result<Option<Ended>> {
    // SAFETY: a siginfo is plain data, and all zero is a valid one.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one siginfo into a live one.
    if unsafe { libc::waitid(kind, id, &raw mut info, options) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: waitid has filled the fields of a child's siginfo, or left the zeros.
    let pid = unsafe { info.si_pid() };
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    let exit = match info.si_code {
        libc::CLD_EXITED => ExitStatus::Code(status),
        _ => Signal::from_number(status).map_or(ExitStatus::Unknown, ExitStatus::Signal),
    };
    Ok(Some(Ended { pid: pid.unsigned_abs(), exit }))
}

/// Makes this process the parent of its descendants' orphans.
///
/// # Errors
/// What prctl(2) says.
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Names this process as `ps` and `top` show it, up to 15 bytes.
///
/// # Errors
/// What prctl(2) says.
pub fn set_name(name: &std::ffi::CStr) -> io::Result<()> {
    Ok(rustix::thread::set_name(name)?)
}

/// Raises the soft limit of open files to the hard one; returns both as they were.
///
/// # Errors
/// What prlimit(2) says.
pub fn raise_nofile() -> io::Result<(u64, u64)> {
    let before = nofile();
    let hard = (before.1 != u64::MAX).then_some(before.1);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })?;
    Ok(before)
}

/// Returns the soft and hard limit of open files; `u64::MAX` stands for none.
pub fn nofile() -> (u64, u64) {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX))
}

/// Returns the path this process was executed by, as it was given to execve(2): relative to the directory
/// of that moment.
pub fn started_as() -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: reads a number from the list the kernel gave to this process; touches nothing else.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if address == 0 {
        return None;
    }
    let text = std::ptr::with_exposed_provenance::<libc::c_char>(usize::try_from(address).ok()?);
    // SAFETY: the kernel put a string that ends with a NUL byte at that address, on the stack of the first
    // thread, where nobody changes or frees it for as long as the process lives.
    let text = unsafe { std::ffi::CStr::from_ptr(text) };
    Some(std::ffi::OsStr::from_bytes(text.to_bytes()).into())
}

/// Returns the process group a process is in; `None` when it is gone.
pub fn group_of(pid: u32) -> Option<u32> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let group = rustix::process::getpgid(Some(pid)).ok()?;
    Some(group.as_raw_nonzero().get().unsigned_abs())
}

/// Returns the number of this process's parent, 0 when it is in another pid namespace.
pub fn parent_pid() -> u32 {
    rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs())
}

/// Returns this process's number.
pub fn own_pid() -> u32 {
    std::process::id()
}
