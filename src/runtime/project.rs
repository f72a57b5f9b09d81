//! A project on this machine: its identity and the directories that belong to it.
//!
//! A project is its file: two files never share a supervisor, whatever their names, and finding a
//! project needs its path alone, not its content. The identity is the folder's name, for people who
//! look into the directories, and a fingerprint of the file's canonical path, for uniqueness.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Where projects keep what they need while they run, and what outlives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Holds a directory for each running project: socket, lock, journal. Emptied by a reboot.
    pub runtime: PathBuf,
    /// Holds a directory for each project: logs.
    pub state: PathBuf,
}

impl Places {
    /// Finds the places for a user with this environment.
    ///
    /// Runtime: `$SVC_RUNTIME_DIR`, else `/run/svc` for root, else `$XDG_RUNTIME_DIR/svc`, else
    /// `/tmp/svc-UID`. State: `$SVC_STATE_DIR`, else `/var/log/svc` for root, else
    /// `$XDG_STATE_HOME/svc`, else `$HOME/.local/state/svc`, else `/tmp/svc-UID/state`.
    pub fn of_user(uid: u32, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = uid == 0;
        let fallback = PathBuf::from(format!("/tmp/svc-{uid}"));
        let runtime = folder("SVC_RUNTIME_DIR")
            .or_else(|| root.then(|| PathBuf::from("/run/svc")))
            .or_else(|| folder("XDG_RUNTIME_DIR").map(|dir| dir.join("svc")))
            .unwrap_or_else(|| fallback.clone());
        let state = folder("SVC_STATE_DIR")
            .or_else(|| root.then(|| PathBuf::from("/var/log/svc")))
            .or_else(|| folder("XDG_STATE_HOME").map(|dir| dir.join("svc")))
            .or_else(|| folder("HOME").map(|dir| dir.join(".local/state/svc")))
            .unwrap_or_else(|| fallback.join("state"));
        Self { runtime, state }
    }
}

/// Where the state is, under the runtime directory, when its own place is on a read-only file system.
pub const TRANSIENT: &str = "state";

/// A project on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The service file, canonical.
    pub file: PathBuf,
    /// The identity: a folder's name and a fingerprint.
    pub id: String,
    /// What it needs while it runs; only its owner may enter.
    pub runtime_dir: PathBuf,
    /// What outlives it: logs.
    pub state_dir: PathBuf,
}

/// Why a project cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The service file cannot be opened.
    #[error("cannot find `{file}`")]
    File {
        /// The file as it was given.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory cannot be made.
    #[error("cannot make the directory `{dir}`")]
    Make {
        /// Which.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory belongs to somebody else or others may write into it.
    #[error("`{dir}` is not safe to use: {reason}")]
    Unsafe {
        /// Which.
        dir: PathBuf,
        /// Why.
        reason: String,
    },
    /// The lock cannot be opened.
    #[error("cannot lock `{file}`")]
    Lock {
        /// The lock's file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Project {
    /// Finds the project of a service file.
    ///
    /// # Errors
    ///
    /// [`ProjectError::File`] when the file is not there.
    pub fn of_file(file: &Path, places: &Places) -> Result<Self, ProjectError> {
        let canonical =
            fs::canonicalize(file).map_err(|source| ProjectError::File { file: file.to_owned(), source })?;
        let folder = canonical.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let readable: String = folder
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .take(24)
            .collect();
        let print = fingerprint(canonical.as_os_str().as_encoded_bytes());
        let id = format!("{readable}-{:010x}", print & 0xff_ffff_ffff);
        Ok(Self {
            file: canonical,
            runtime_dir: places.runtime.join(&id),
            state_dir: places.state.join(&id),
            id,
        })
    }

    /// Waits until nobody holds the project's lock: until its supervisor is gone. Blocks.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Lock`] when the lock cannot be opened.
    pub fn await_end(&self) -> Result<(), ProjectError> {
        let file = self.lock_file();
        let open = match File::open(&file) {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(ProjectError::Lock { file, source }),
        };
        loop {
            match flock(&open, FlockOperation::LockShared) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(ProjectError::Lock { file, source: errno.into() }),
            }
        }
    }

    /// Returns whether a supervisor holds the project's lock.
    pub fn is_running(&self) -> bool {
        File::open(self.lock_file())
            .is_ok_and(|open| flock(&open, FlockOperation::NonBlockingLockShared).is_err())
    }

    /// Returns where the control socket is.
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir.join("sock")
    }

    /// Returns where the notify sockets are: beside the private directory, since services that run as
    /// other users have to get there.
    pub fn notify_folder(&self) -> PathBuf {
        self.runtime_dir.with_extension("notify")
    }

    /// Returns where the lock is.
    pub fn lock_file(&self) -> PathBuf {
        self.runtime_dir.join("lock")
    }

    /// Returns where the record of the sources is.
    pub fn record(&self) -> PathBuf {
        self.runtime_dir.join("record.json")
    }

    /// Returns where the record of the plan is that is being applied.
    pub fn record_next(&self) -> PathBuf {
        self.runtime_dir.join("record.next")
    }

    /// Returns where the record of the plan is that was in force before.
    pub fn record_before(&self) -> PathBuf {
        self.runtime_dir.join("record.before")
    }

    /// Returns the files that nobody needs once everything is down. The records hold the environment,
    /// which may hold secrets.
    pub fn leftovers(&self) -> [PathBuf; 5] {
        [self.socket(), self.record(), self.record_next(), self.record_before(), self.journal()]
    }

    /// Returns where the engine's journal is.
    pub fn journal(&self) -> PathBuf {
        self.runtime_dir.join("journal")
    }

    /// Returns where svc's own messages go when it runs detached.
    pub fn own_log(&self) -> PathBuf {
        self.state_dir.join("svc.log")
    }

    /// Makes the directories, only for their owner, and checks that nobody else could have.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Make`] and [`ProjectError::Unsafe`].
    pub fn make_dirs(&self, uid: u32) -> Result<(), ProjectError> {
        for dir in [&self.runtime_dir, &self.state_dir] {
            let parent = dir.parent().unwrap_or(Path::new("/"));
            // The parent may be shared (`/run/svc`); it is the project's own directory that is private.
            for (dir, mode) in [(parent, 0o755), (dir.as_path(), 0o700)] {
                make_dir(dir, mode)?;
                check_owner(dir, uid)?;
            }
        }
        Ok(())
    }

    /// Makes the directories as [`Project::make_dirs`] does; where the state's is on a read-only file system, the
    /// state goes with the runtime directory. Returns the project with the places it got.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Make`] and [`ProjectError::Unsafe`].
    pub fn settle(&self, uid: u32) -> Result<Self, ProjectError> {
        match self.make_dirs(uid) {
            Err(ProjectError::Make { dir, source })
                if source.kind() == io::ErrorKind::ReadOnlyFilesystem && self.state_dir.starts_with(&dir) =>
            {
                let settled = Self { state_dir: self.runtime_dir.join(TRANSIENT), ..self.clone() };
                settled.make_dirs(uid)?;
                Ok(settled)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(self.clone()),
        }
    }

    /// Takes the project's lock; `None` when it is taken.
    ///
    /// It is held until every copy of the file is closed, in every process that was given one: that
    /// is how the supervisor holds it for life and this process does not.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Lock`] when the lock cannot be opened.
    pub fn lock(&self) -> Result<Option<File>, ProjectError> {
        let file = self.lock_file();
        let failed = |source| ProjectError::Lock { file: file.clone(), source };
        let open = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file)
            .map_err(failed)?;
        match flock(&open, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(open)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(failed(errno.into())),
        }
    }
}

fn make_dir(dir: &Path, mode: u32) -> Result<(), ProjectError> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(dir)
        .map_err(|source| ProjectError::Make { dir: dir.to_owned(), source })
}

/// Refuses a directory that another user owns or may write into.
fn check_owner(dir: &Path, uid: u32) -> Result<(), ProjectError> {
    let meta =
        fs::symlink_metadata(dir).map_err(|source| ProjectError::Make { dir: dir.to_owned(), source })?;
    let reason = if !meta.is_dir() {
        "it is not a directory".to_owned()
    } else if meta.uid() != uid && meta.uid() != 0 {
        format!("user {} owns it", meta.uid())
    } else if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 {
        format!("others may write into it (mode {:04o})", meta.mode() & 0o7777)
    } else {
        return Ok(());
    };
    Err(ProjectError::Unsafe { dir: dir.to_owned(), reason })
}

/// Condenses bytes to a number that stays the same on every machine and in every version: FNV-1a,
/// 64 bits.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(uid: u32, variables: &[(&str, &str)]) -> Places {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        Places::of_user(uid, |name| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn the_places_follow_the_user_and_the_environment() {
        let root = places(0, &[("XDG_RUNTIME_DIR", "/x")]);
        assert_eq!(
            (root.runtime.as_path(), root.state.as_path()),
            (Path::new("/run/svc"), Path::new("/var/log/svc"))
        );
        let user = places(7, &[("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/u")]);
        assert_eq!(user.runtime, Path::new("/run/user/7/svc"));
        assert_eq!(user.state, Path::new("/home/u/.local/state/svc"));
        assert_eq!(places(7, &[]).runtime, Path::new("/tmp/svc-7"));
        assert_eq!(places(0, &[("SVC_RUNTIME_DIR", "/r")]).runtime, Path::new("/r"));
    }

    #[test]
    fn two_files_are_two_projects_and_one_file_is_one() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (a, b) = (dir.path().join("a.kdl"), dir.path().join("b.kdl"));
        fs::write(&a, "").expect("write");
        fs::write(&b, "").expect("write");
        let places = Places { runtime: dir.path().join("r"), state: dir.path().join("s") };
        let project = |file: &Path| Project::of_file(file, &places).expect("exists");
        assert_ne!(project(&a).id, project(&b).id);
        assert_eq!(project(&a).id, project(&dir.path().join(".").join("a.kdl")).id);
    }

    #[test]
    fn a_directory_that_others_may_write_into_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("services.kdl");
        fs::write(&file, "").expect("write");
        let places = Places { runtime: dir.path().join("r"), state: dir.path().join("s") };
        let project = Project::of_file(&file, &places).expect("exists");
        let uid = nix::unistd::getuid().as_raw();
        project.make_dirs(uid).expect("fresh");
        fs::set_permissions(&project.runtime_dir, fs::Permissions::from_mode(0o777)).expect("chmod");
        assert!(matches!(project.make_dirs(uid), Err(ProjectError::Unsafe { .. })));
    }

    #[test]
    fn the_lock_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("services.kdl");
        fs::write(&file, "").expect("write");
        let places = Places { runtime: dir.path().join("r"), state: dir.path().join("s") };
        let project = Project::of_file(&file, &places).expect("exists");
        project.make_dirs(nix::unistd::getuid().as_raw()).expect("fresh");
        let first = project.lock().expect("opens");
        assert!(first.is_some());
        assert!(project.lock().expect("opens").is_none());
        drop(first);
        assert!(project.lock().expect("opens").is_some());
    }
}
