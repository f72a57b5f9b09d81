//! Control groups, version 2: finding one's own, and the files of one. See cgroups(7) and the kernel's
//! `Documentation/admin-guide/cgroup-v2.rst`.
//!
//! A group is a folder, what it holds and may use are files in it. Nothing here decides what is
//! grouped with what.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// A control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    dir: PathBuf,
}

/// What the kernel can share out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// `memory`.
    Memory,
    /// `cpu`.
    Cpu,
    /// `pids`.
    Pids,
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Cpu, Self::Pids];

    /// Returns what the kernel calls it; a service file's `limits` call it the same.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
        }
    }
}

/// Finds the group this process is in.
///
/// # Errors
/// `NotFound` when it is in none that can be reached: there is no `/proc`, or version 2 is not mounted.
pub fn own() -> io::Result<Group> {
    let mounts = fs::read("/proc/self/mountinfo")?;
    let own = fs::read("/proc/self/cgroup")?;
    let dir = find(&mounts, &own).ok_or(io::ErrorKind::NotFound)?;
    Ok(Group { dir })
}

/// Finds the folder of a process's group from proc_pid_mountinfo(5) and proc_pid_cgroup(5).
fn find(mounts: &[u8], own: &[u8]) -> Option<PathBuf> {
    let path = own.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    mounts.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let (root, point) = (fields.nth(3)?, fields.next()?);
        let mut behind_the_dash = fields.skip_while(|field| *field != b"-").skip(1);
        if behind_the_dash.next()? != b"cgroup2" {
            return None;
        }
        // Of a group outside of what is mounted, or of this namespace, the kernel says `/..`.
        let below = path.strip_prefix(unescaped(root)).ok()?;
        let inside = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        // Joined with nothing, a path would end in a slash.
        inside.then(|| unescaped(point).components().chain(below.components()).collect())
    })
}

/// Takes back what the kernel does to blanks, tabs, line ends and backslashes in a path: `\040`.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<3>().filter(|_| byte == b'\\');
        let octal = digits.and_then(|digits| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 8).ok()
        });
        path.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsString::from_vec(path))
}

impl Group {
    /// Returns its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Names a group below this one, whether it is there or not.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self { dir: self.dir.join(name) }
    }

    /// Makes the group.
    ///
    /// # Errors
    /// What mkdir(2) says: `EEXIST`, `EACCES` without a delegation, `EAGAIN` past `cgroup.max.descendants`.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir(&self.dir)
    }

    /// Removes the group and those below it.
    ///
    /// # Errors
    /// `EBUSY` while a process is in one of them, else what rmdir(2) says.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A group with others below it says `EBUSY` too.
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
        // All that can go goes, whatever is in the others.
        for below in self.children()? {
            let _told_by_the_last_attempt = below.remove();
        }
        fs::remove_dir(&self.dir)
    }

    /// Returns the groups right below this one.
    ///
    /// # Errors
    /// What readdir(3) says.
    pub fn children(&self) -> io::Result<Vec<Self>> {
        let mut children = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                children.push(Self { dir: entry.path() });
            }
        }
        Ok(children)
    }

    /// Holds the group until the result is closed; `None` when somebody else does.
    ///
    /// # Errors
    /// What open(2) and flock(2) say.
    pub fn hold(&self) -> io::Result<Option<OwnedFd>> {
        let folder = File::open(&self.dir)?;
        match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(folder.into())),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Returns whether it is the root of all groups, which may hold processes besides groups that are shared out to.
    pub fn is_root(&self) -> bool {
        !self.dir.join("cgroup.type").exists()
    }

    /// Returns what can be shared out to the groups below it.
    pub fn controllers(&self) -> Vec<Controller> {
        self.words("cgroup.controllers")
    }

    /// Returns what is shared out to the groups below it.
    pub fn enabled(&self) -> Vec<Controller> {
        self.words("cgroup.subtree_control")
    }

    fn words(&self, file: &str) -> Vec<Controller> {
        let text = fs::read_to_string(self.dir.join(file)).unwrap_or_default();
        let known = |word: &str| Controller::ALL.into_iter().find(|controller| controller.word() == word);
        text.split_ascii_whitespace().filter_map(known).collect()
    }

    /// Begins to share something out to the groups below it.
    ///
    /// # Errors
    /// `EBUSY` while it holds processes itself, else what write(2) says.
    pub fn enable(&self, controller: Controller) -> io::Result<()> {
        self.write("cgroup.subtree_control", &format!("+{}", controller.word()))
    }

    /// Moves a process into the group.
    ///
    /// # Errors
    /// What write(2) says.
    pub fn enter(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Opens what a process writes `0` to in order to enter the group.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn door(&self) -> io::Result<OwnedFd> {
        Ok(File::options().write(true).open(self.dir.join("cgroup.procs"))?.into())
    }

    /// Returns the processes that are in this very group; those whose exit status alone is left are not.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn processes(&self) -> io::Result<Vec<u32>> {
        let text = fs::read_to_string(self.dir.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Returns whether a process is in the group or in one below it.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn is_populated(&self) -> io::Result<bool> {
        Ok(self.number("cgroup.events", "populated")? != 0)
    }

    /// Opens what has an exceptional condition (`POLLPRI`) when the first process has come or the last is gone.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn watch(&self) -> io::Result<OwnedFd> {
        let mut file = File::open(self.dir.join("cgroup.events"))?;
        // What changes after the first reading is told.
        let mut text = String::new();
        io::Read::read_to_string(&mut file, &mut text)?;
        Ok(file.into())
    }

    /// Kills every process in the group and below it at one instant: a process that forks does not get away.
    ///
    /// # Errors
    /// `NotFound` before Linux 5.14, else what write(2) says.
    pub fn kill(&self) -> io::Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// Limits what the group and those below it use together: `memory.max` and its like; `max` is no limit.
    ///
    /// # Errors
    /// What write(2) says.
    pub fn limit(&self, file: &str, value: &str) -> io::Result<()> {
        self.write(file, value)
    }

    /// Returns how many processes in the group and below it the kernel has killed for want of memory; `None` when
    /// memory is not shared out.
    pub fn killed_for_memory(&self) -> Option<u64> {
        self.number("memory.events", "oom_kill").ok()
    }

    /// Returns whether the group has run into its own limit on memory, and not only into one above it.
    pub fn ran_out_of_its_own(&self) -> bool {
        // Before Linux 5.2 only the file that counts those below as well.
        let local = self.number("memory.events.local", "oom");
        local.or_else(|_| self.number("memory.events", "oom")).is_ok_and(|count| count > 0)
    }

    /// Reads one line of a file that is `NAME NUMBER` a line.
    fn number(&self, file: &str, name: &str) -> io::Result<u64> {
        let text = fs::read_to_string(self.dir.join(file))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        use std::io::Write;
        // Never created: a file that is not there says what this kernel cannot do.
        File::options().write(true).open(self.dir.join(file))?.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &[u8] = b"25 30 0:22 / /proc rw - proc proc rw\n\
        31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro\n\
        41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_own_group_is_found_below_where_version_2_is_mounted() {
        let own = b"4:memory:/a\n0::/user.slice/x\n";
        assert_eq!(find(HOST, own), Some("/sys/fs/cgroup/uni fied/user.slice/x".into()));
        assert_eq!(find(HOST, b"0::/\n"), Some("/sys/fs/cgroup/uni fied".into()));
        let part = b"41 31 0:38 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert_eq!(find(part, b"0::/docker/1/inner\n"), Some("/sys/fs/cgroup/inner".into()));
    }

    #[test]
    fn a_group_that_cannot_be_reached_is_not_found() {
        let part = b"41 31 0:38 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        for (mounts, own) in [
            (&b""[..], &b"0::/\n"[..]),
            (HOST, b"4:memory:/a\n"),
            (HOST, b"0::/../other\n"),
            (part, b"0::/docker/2\n"),
            (b"1 2\n41 31 0:38 / /x rw - \n", b"0::/\n"),
        ] {
            assert_eq!(find(mounts, own), None);
        }
    }
}
