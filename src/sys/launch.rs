//! Making a process: everything between the decision and the first instruction of the program.
//!
//! The child borrows its parent's memory and the parent stands still until the child has executed
//! the program or given up (`CLONE_VM | CLONE_VFORK`, as posix_spawn(3) does): nothing is copied, however
//! large the parent, and a failure is told by writing it where the parent reads it. The price is that a
//! program or directory on a file system that hangs holds up the parent too. clone(2) and not
//! clone3(2): the C library's wrapper moves the child to its own stack on every architecture, and no
//! container forbids it.
//!
//! The child also borrows the parent's descriptors until it takes a copy of the low part of the table
//! alone (`CLOSE_RANGE_UNSHARE`), so that a launch does not pay for the thousands a guard holds. What the
//! child is to get is first put into reserved low numbers. A kernel without close_range(2) copies the
//! whole table instead.
//!
//! Nothing here looks up a user or a path: that is done before, by whoever has the time.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use crate::base::{Limit, Resource, SpawnFailure, Stage};

/// The first of the reserved numbers; a child's descriptors below it take the short way.
const STAGING: RawFd = 64;
/// How many numbers are reserved.
const STAGED_MAX: usize = 32;
/// The stack of a child: it calls a handful of functions that call the kernel.
const STACK: usize = 64 * 1024;
/// The kernel's signal numbers end here.
const SIGNALS: c_int = 64;

/// A process to make. Borrowed throughout: nothing is copied but pointers.
pub struct Order<'a> {
    /// What to execute.
    pub program: Program<'a>,
    /// The arguments, starting with the program's name.
    pub argv: &'a [CString],
    /// The complete environment.
    pub env: &'a [CString],
    /// The working directory; absent means the parent's.
    pub cwd: Option<&'a CStr>,
    /// The file mode creation mask.
    pub umask: u32,
    /// User, group and supplementary groups; absent means the parent's.
    pub credentials: Option<(u32, u32, &'a [u32])>,
    /// Limits; those that are not listed are the parent's.
    pub limits: &'a [Limit],
    /// The priority for the processor; absent means the parent's.
    pub nice: Option<i8>,
    /// What lets it into its control group ([`crate::sys::cgroup::Group::door`]); absent means the parent's.
    pub group: Option<BorrowedFd<'a>>,
    /// Whether to start a session; otherwise a process group.
    pub session: bool,
    /// Names of variables that hold the number of the child; added to the environment.
    pub own_pid: &'a [CString],
    /// The child's descriptors by number, each number once; it has no others.
    pub fds: &'a [(RawFd, BorrowedFd<'a>)],
}

/// What to execute.
pub enum Program<'a> {
    /// The first of these paths that can be executed, by the rules of execvp(3).
    Paths(&'a [CString]),
    /// This open file, whatever its name is by now.
    File(BorrowedFd<'a>),
}

/// A process that was made.
#[derive(Debug)]
pub struct Child {
    /// Its number, valid until it is reaped.
    pub pid: u32,
    /// A handle on it; closes on exec.
    pub pidfd: OwnedFd,
}

/// What launches share: the children's stack and the reserved descriptor numbers.
pub struct Launcher {
    stack: Stack,
    /// `/dev/null` in each reserved number while no launch uses it; empty without close_range(2).
    staging: Vec<OwnedFd>,
    null: OwnedFd,
    /// Bit n − 1 is set when signal n had a disposition other than the default.
    dispositions: u64,
}

impl Launcher {
    /// Prepares launching. Dispositions of signals must not change afterwards.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened, or there is no memory or no descriptor left.
    pub fn new() -> io::Result<Self> {
        let null: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
        let mut staging = Vec::new();
        if can_unshare() {
            for slot in 0..STAGED_MAX {
                let held = rustix::io::fcntl_dupfd_cloexec(&null, STAGING + slot as RawFd)?;
                if held.as_raw_fd() != STAGING + slot as RawFd {
                    staging.clear();
                    break;
                }
                staging.push(held);
            }
        }
        Ok(Self { stack: Stack::new()?, staging, null, dispositions: dispositions() })
    }

    /// Returns `/dev/null`, open for reading and writing.
    pub fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// Makes a process and returns when it executes the program.
    ///
    /// # Errors
    /// The stage that failed and the kernel's answer; no process is left then.
    pub fn launch(&mut self, order: &Order<'_>) -> Result<Child, SpawnFailure> {
        let argv = pointers(order.argv);
        let own_pid: Vec<OwnPid> = order.own_pid.iter().map(|name| OwnPid::new(name)).collect();
        let mut env = pointers(order.env);
        env.splice(order.env.len()..order.env.len(), own_pid.iter().map(OwnPid::pointer));
        let programs = match order.program {
            Program::Paths(paths) => pointers(paths),
            Program::File(_) => pointers(&[]),
        };
        let staged = self.stage(order).map_err(|error| failure(Stage::Descriptors, &error))?;
        let script = Script {
            programs: programs.as_ptr(),
            file: staged.file,
            argv: argv.as_ptr(),
            env: env.as_ptr(),
            cwd: order.cwd.map_or(null(), CStr::as_ptr),
            umask: order.umask,
            credentials: order.credentials,
            limits: order.limits,
            nice: order.nice,
            group: order.group.map_or(-1, |group| group.as_raw_fd()),
            session: order.session,
            own_pid: &own_pid,
            unshare_from: staged.unshare_from,
            installs: &staged.installs,
            dispositions: self.dispositions,
            stage: AtomicI32::new(-1),
            errno: AtomicI32::new(0),
        };
        let made = self.stack.run(&script);
        self.unstage(staged.used);
        let child = made.map_err(|error| failure(Stage::Fork, &error))?;
        match script.failed() {
            None => Ok(child),
            Some(failure) => {
                // It has ended already: it wrote the failure and called exit.
                let _ended = crate::sys::process::reap(child.pid);
                Err(failure)
            }
        }
    }

    /// Puts what the child is to get where its own copy of the table will have it.
    fn stage(&self, order: &Order<'_>) -> io::Result<Staged> {
        let file = match order.program {
            Program::File(file) => Some(file),
            Program::Paths(_) => None,
        };
        let count = order.fds.len() + usize::from(file.is_some());
        let highest = order.fds.iter().map(|&(target, _)| target).max().unwrap_or(0);
        let short = count <= self.staging.len() && highest < STAGING;
        let mut staged = Staged { installs: Vec::with_capacity(count), ..Staged::default() };
        let mut place = |source: BorrowedFd<'_>| -> io::Result<RawFd> {
            if short {
                let slot = STAGING + staged.used as RawFd;
                duplicate_to(source, slot)?;
                staged.used += 1;
                Ok(slot)
            } else {
                let copy = rustix::io::fcntl_dupfd_cloexec(source, highest + 1)?;
                staged.copies.push(copy);
                Ok(staged.copies[staged.copies.len() - 1].as_raw_fd())
            }
        };
        for &(target, source) in order.fds {
            let number = place(source)?;
            staged.installs.push((number, target));
        }
        staged.file = file.map(&mut place).transpose()?.unwrap_or(-1);
        staged.unshare_from = short.then_some((STAGING + STAGED_MAX as RawFd) as u32);
        Ok(staged)
    }

    /// Lets go of what was staged: an open end in a reserved number would keep a pipe alive.
    fn unstage(&self, used: usize) {
        for slot in 0..used {
            // It cannot fail: the number is open, and so is the null device.
            let _put_back = duplicate_to(self.null.as_fd(), STAGING + slot as RawFd);
        }
    }
}

#[derive(Default)]
struct Staged {
    /// From which number to which.
    installs: Vec<(RawFd, RawFd)>,
    /// The program's number, or −1.
    file: RawFd,
    /// From where on the table is not copied; `None` when it was not shared.
    unshare_from: Option<u32>,
    /// How many reserved numbers are in use.
    used: usize,
    /// Copies that stand in for them when they cannot be used.
    copies: Vec<OwnedFd>,
}

/// What the child does, in pointers: it may not allocate.
struct Script<'a> {
    programs: *const *const c_char,
    file: RawFd,
    argv: *const *const c_char,
    env: *const *const c_char,
    cwd: *const c_char,
    umask: u32,
    credentials: Option<(u32, u32, &'a [u32])>,
    limits: &'a [Limit],
    nice: Option<i8>,
    /// The way into its control group, or −1. Open in the parent's table, which the child shares or has a copy of.
    group: RawFd,
    session: bool,
    own_pid: &'a [OwnPid],
    unshare_from: Option<u32>,
    installs: &'a [(RawFd, RawFd)],
    dispositions: u64,
    stage: AtomicI32,
    errno: AtomicI32,
}

impl Script<'_> {
    fn failed(&self) -> Option<SpawnFailure> {
        let stage = usize::try_from(self.stage.load(Ordering::Relaxed)).ok()?;
        Some(SpawnFailure { stage: Stage::ALL[stage], errno: self.errno.load(Ordering::Relaxed) })
    }
}

fn failure(stage: Stage, error: &io::Error) -> SpawnFailure {
    SpawnFailure { stage, errno: error.raw_os_error().unwrap_or(libc::EIO) }
}

/// A variable that the child writes its own number into.
struct OwnPid {
    /// `NAME=` and room for the number, which ends with the first zero.
    text: Vec<AtomicU8>,
    /// Where the number begins.
    digits: usize,
}

impl OwnPid {
    /// As many digits as a number of 32 bits has.
    const ROOM: usize = 10;

    fn new(name: &CStr) -> Self {
        let text: Vec<u8> = [name.to_bytes(), b"=", &[0; Self::ROOM + 1]].concat();
        Self { digits: text.len() - Self::ROOM - 1, text: text.into_iter().map(AtomicU8::new).collect() }
    }

    /// The variable as execve(2) wants it, once it is written.
    fn pointer(&self) -> *const c_char {
        self.text.as_ptr().cast()
    }

    /// Writes a number. The parent stands still meanwhile.
    fn write(&self, pid: u32) {
        let (mut digits, mut left, mut rest) = ([0; Self::ROOM], Self::ROOM, pid);
        while left == Self::ROOM || rest > 0 {
            left -= 1;
            digits[left] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for (place, digit) in self.text[self.digits..].iter().zip(&digits[left..]) {
            place.store(*digit, Ordering::Relaxed);
        }
    }
}

/// A list of C strings as execve(2) wants it.
fn pointers(list: &[CString]) -> Vec<*const c_char> {
    list.iter().map(|text| text.as_ptr()).chain([null()]).collect()
}

fn duplicate_to(source: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    // SAFETY: dup3 touches no memory. `number` is one of the reserved ones, which nothing but a
    // `Launcher` owns and which it never reads through, so no owner's descriptor changes under it.
    let done = unsafe { libc::dup3(source.as_raw_fd(), number, libc::O_CLOEXEC) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks whether this kernel has close_range(2); the range asked for is empty.
fn can_unshare() -> bool {
    // SAFETY: closes descriptor 2^32 - 1, which cannot exist, so that nobody's descriptor is touched.
    unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, 0) == 0 }
}

/// The signals that are ignored or caught in this process.
fn dispositions() -> u64 {
    let mut set = 0;
    for signal in 1..=SIGNALS {
        let mut action = KernelAction::default();
        // SAFETY: with no new action the kernel only writes the old one, into a live struct that is at
        // least as large as its own on every architecture.
        let asked = unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, null::<KernelAction>(), &raw mut action, 8)
        };
        if asked == 0 && action.handler != libc::SIG_DFL {
            set |= 1 << (signal - 1);
        }
    }
    set
}

/// The kernel's `struct sigaction`; all zero is the default disposition. Fields past the handler differ in
/// order between architectures, never in being zero.
#[derive(Default)]
#[repr(C)]
struct KernelAction {
    handler: usize,
    rest: [usize; 3],
}

/// Memory for a child to run on, with a page below it that stops whoever runs over.
struct Stack {
    base: *mut c_void,
}

impl Stack {
    const GUARD: usize = 64 * 1024;

    fn new() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: an anonymous mapping at an address of the kernel's choice overlaps nothing.
        let base = unsafe { libc::mmap(null_mut(), Self::GUARD + STACK, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base };
        let usable = base.wrapping_byte_add(Self::GUARD);
        // SAFETY: the range is the upper part of the mapping made above, which nobody else knows of; it is
        // page-aligned because the guard part is 64 KiB, a multiple of every page size in use.
        let done = unsafe { libc::mprotect(usable, STACK, libc::PROT_READ | libc::PROT_WRITE) };
        if done != 0 { Err(io::Error::last_os_error()) } else { Ok(stack) }
    }

    /// Makes a process that follows the script.
    fn run(&mut self, script: &Script<'_>) -> io::Result<Child> {
        let mut flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        if script.unshare_from.is_some() {
            flags |= libc::CLONE_FILES;
        }
        let top = self.base.wrapping_byte_add(Self::GUARD + STACK);
        let argument = std::ptr::from_ref(script).cast_mut().cast::<c_void>();
        let mut pidfd: RawFd = -1;
        let blocked = Blocked::all();
        // SAFETY: the child runs `child` on a stack of its own, which it alone uses since `&mut self` keeps
        // out a second launch and this thread stands still until the child has let go of the memory
        // (CLONE_VFORK). It reads the script, which outlives the call for the same reason, and writes only
        // to the script's atomics, to its stack and to this thread's errno. Every signal is blocked, so no
        // handler of ours runs in it. The kernel writes `pidfd` before it returns.
        let pid = unsafe { libc::clone(child, top, flags, argument, &raw mut pidfd) };
        let error = io::Error::last_os_error();
        drop(blocked);
        if pid < 0 {
            return Err(error);
        }
        // SAFETY: CLONE_PIDFD made this descriptor for us and nobody else has seen its number: the child
        // shared the table at most until it took its own copy, and closes nothing in it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Ok(Child { pid: pid.unsigned_abs(), pidfd })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no child uses it: `run` returns only
        // when the child is off it.
        unsafe { libc::munmap(self.base, Self::GUARD + STACK) };
    }
}

/// All signals blocked in this thread, as they were before when dropped.
struct Blocked(u64);

impl Blocked {
    fn all() -> Self {
        let (all, mut before) = (u64::MAX, 0u64);
        // SAFETY: reads one mask of the kernel's size and writes another, both live. Unlike the C library's
        // function it also blocks the library's own signals, which a child on borrowed memory must not
        // handle either.
        unsafe {
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, 8)
        };
        Self(before)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let nothing = null_mut::<u64>();
        // SAFETY: reads the mask that was in force before; writes nothing.
        unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const self.0, nothing, 8) };
    }
}

/// The child. Returning ends it: the C library's clone calls exit(2) with the value.
extern "C" fn child(argument: *mut c_void) -> c_int {
    // SAFETY: `Stack::run` passes a script that outlives this function; it is only shared.
    let script = unsafe { &*argument.cast::<Script<'_>>() };
    let failure = follow(script);
    script.errno.store(failure.errno, Ordering::Relaxed);
    script.stage.store(failure.stage as i32, Ordering::Relaxed);
    127
}

/// What the call that has just failed answered.
fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Goes through the stages; returns only when one fails.
///
/// Only system calls that touch the process itself: no allocation, no lock, no C library function
/// that keeps state (its setuid, for one, would signal threads that do not exist here).
fn follow(script: &Script<'_>) -> SpawnFailure {
    let failed = |stage| SpawnFailure { stage, errno: errno() };
    for signal in 1..=SIGNALS {
        if script.dispositions & (1 << (signal - 1)) != 0 {
            let default = KernelAction::default();
            let nothing = null_mut::<KernelAction>();
            // SAFETY: reads a live struct at least as large as the kernel's. The table is the child's own
            // (no CLONE_SIGHAND). SIGKILL and SIGSTOP never differ from the default.
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, nothing, 8) };
        }
    }
    if script.group >= 0 && !enter_group(script.group) {
        return failed(Stage::Cgroup);
    }
    if !enter_session(script.session) {
        return failed(Stage::Session);
    }
    if !script.own_pid.is_empty() {
        // SAFETY: touches no memory.
        let pid = unsafe { libc::getpid() };
        script.own_pid.iter().for_each(|variable| variable.write(pid.unsigned_abs()));
    }
    if !script.limits.iter().all(set_limit) {
        return failed(Stage::Limits);
    }
    if !script.nice.is_none_or(set_priority) {
        return failed(Stage::Priority);
    }
    if let Some((uid, gid, groups)) = script.credentials {
        if !set_groups(gid, groups) {
            return failed(Stage::Group);
        }
        if !set_user(uid) {
            return failed(Stage::User);
        }
    }
    if !enter_directory(script.umask, script.cwd) {
        return failed(Stage::WorkingDirectory);
    }
    if !install(script) {
        return failed(Stage::Descriptors);
    }
    let (none, nothing) = (0u64, null_mut::<u64>());
    // SAFETY: reads one live mask. No handler can run: all dispositions are the default by now.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, nothing, 8) };
    SpawnFailure { stage: Stage::Exec, errno: execute(script) }
}

fn enter_group(door: RawFd) -> bool {
    // SAFETY: reads one live byte. The kernel moves the writing process, which is this one: a process of its own,
    // although it borrows its parent's memory.
    unsafe { libc::write(door, c"0".as_ptr().cast(), 1) == 1 }
}

fn enter_session(session: bool) -> bool {
    if session {
        // SAFETY: touches no memory.
        unsafe { libc::setsid() >= 0 }
    } else {
        // SAFETY: touches no memory.
        unsafe { libc::setpgid(0, 0) == 0 }
    }
}

fn set_limit(&Limit { resource, soft, hard }: &Limit) -> bool {
    let resource = match resource {
        Resource::Descriptors => libc::RLIMIT_NOFILE,
        Resource::Processes => libc::RLIMIT_NPROC,
        Resource::Core => libc::RLIMIT_CORE,
        Resource::Stack => libc::RLIMIT_STACK,
        Resource::AddressSpace => libc::RLIMIT_AS,
    };
    let limit = [soft, hard];
    let nothing = null_mut::<u64>();
    // SAFETY: reads a live pair of 64-bit numbers, the kernel's `struct rlimit64`.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, limit.as_ptr(), nothing) == 0 }
}

fn set_priority(nice: i8) -> bool {
    // SAFETY: touches no memory, and concerns the calling process alone.
    unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, c_int::from(nice)) == 0 }
}

fn set_groups(gid: u32, groups: &[u32]) -> bool {
    // SAFETY: reads as many groups as the slice has.
    let set = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0 };
    // SAFETY: touches no memory.
    set && unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0 }
}

fn set_user(uid: u32) -> bool {
    // SAFETY: touches no memory. The process that shares it becomes another user's for a moment; the
    // kernel marks such memory undumpable, so that user cannot attach to it.
    unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0 }
}

fn enter_directory(umask: u32, cwd: *const c_char) -> bool {
    // SAFETY: touches no memory.
    unsafe { libc::umask(umask) };
    // SAFETY: `cwd` is a C string the script borrows.
    cwd.is_null() || unsafe { libc::chdir(cwd) == 0 }
}

fn install(script: &Script<'_>) -> bool {
    if let Some(from) = script.unshare_from {
        // SAFETY: gives this process a table of its own with the numbers below `from`; the parent's is
        // left as it is.
        let own = unsafe {
            libc::syscall(libc::SYS_close_range, from, u32::MAX, libc::CLOSE_RANGE_UNSHARE as c_int) == 0
        };
        if !own {
            return false;
        }
    }
    for &(from, target) in script.installs {
        // SAFETY: the table is this process's own. Sources are never targets: they lie above all of those,
        // so dup2 never leaves one open across exec or overwrites one still to come.
        if unsafe { libc::dup2(from, target) } < 0 {
            return false;
        }
    }
    true
}

/// Executes the program; returns only when that failed, with the kernel's answer.
fn execute(script: &Script<'_>) -> c_int {
    let (argv, env) = (script.argv, script.env);
    if script.file >= 0 {
        // SAFETY: lists that end with a null pointer, of C strings the script borrows.
        unsafe {
            libc::syscall(libc::SYS_execveat, script.file, c"".as_ptr(), argv, env, libc::AT_EMPTY_PATH)
        };
        return errno();
    }
    let mut answer = libc::ENOENT;
    let mut next = script.programs;
    loop {
        // SAFETY: the list ends with a null pointer, and `next` has not passed it.
        let program = unsafe { *next };
        if program.is_null() {
            return answer;
        }
        // SAFETY: a C string and two lists that end with a null pointer, all borrowed by the script.
        unsafe { libc::execve(program, argv, env) };
        match errno() {
            libc::ENOENT | libc::ENOTDIR if answer == libc::EACCES => {}
            errno @ (libc::EACCES | libc::ENOENT | libc::ENOTDIR) => answer = errno,
            errno => return errno,
        }
        // SAFETY: the entry just read was not the last, so the next one is in the list.
        next = unsafe { next.add(1) };
    }
}
