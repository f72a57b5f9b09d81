//! Opening files that may hold secrets in directories that others may write to.
//!
//! Files are made with mode 0600 and missing directories with 0700: what a service prints is nobody
//! else's business until its owner says so. The last component is never followed when it is a symbolic
//! link, and a file that somebody else put there is refused.

use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Why a log cannot be opened, written or rotated.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The directory it lies in is missing and cannot be made.
    #[error("cannot create the directory `{}`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel answered.
        source: std::io::Error,
    },
    /// It cannot be opened or made; a symbolic link in its place is `ELOOP`.
    #[error("cannot open the log file `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the kernel answered.
        source: Errno,
    },
    /// Something else than a file bears its name: a directory, a device, a FIFO.
    #[error("cannot log to `{}`: it is not a regular file", path.display())]
    NotAFile {
        /// What bears the name.
        path: PathBuf,
    },
    /// Another user put it there, or gave it a second name elsewhere.
    #[error("cannot log to `{}`: it belongs to user {owner}, who could read or replace it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
    },
    /// Writing failed: the disk is full, a quota or a size limit is reached, the device fails.
    #[error("cannot write the log file `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the kernel answered.
        source: Errno,
    },
    /// It is full and cannot be renamed.
    #[error("cannot rotate the log file `{}`", path.display())]
    Rotate {
        /// The file that cannot be renamed or removed.
        path: PathBuf,
        /// What the kernel answered.
        source: Errno,
    },
}

/// Opens a file for reading and writing, made when it is missing, together with its directory.
///
/// # Errors
///
/// Every variant but [`FileError::Write`] and [`FileError::Rotate`].
pub fn open_private(path: &Path) -> Result<(OwnedFd, Stat), FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mode = Mode::RUSR | Mode::WUSR;
    let fd = match open(path, flags, mode) {
        Err(Errno::NOENT) => {
            make_directory(path)?;
            open(path, flags, mode)
        }
        other => other,
    };
    let describe = |source| match source {
        Errno::ISDIR | Errno::NXIO => FileError::NotAFile { path: path.to_owned() },
        source => FileError::Open { path: path.to_owned(), source },
    };
    let fd = fd.map_err(describe)?;
    let found = fstat(&fd).map_err(describe)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    let ours = found.st_uid == geteuid().as_raw() && found.st_nlink == 1;
    if !ours && others_may_write(parent(path)) {
        return Err(FileError::Foreign { path: path.to_owned(), owner: found.st_uid });
    }
    Ok((fd, found))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn make_directory(file: &Path) -> Result<(), FileError> {
    let directory = parent(file);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| FileError::Directory { path: directory.to_owned(), source })
}

fn others_may_write(directory: &Path) -> bool {
    stat(directory).map_or(true, |found| found.st_mode & 0o022 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_log_and_its_directories_are_for_their_owner_only() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a/b/x.log");
        open_private(&path).expect("can be made");
        let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o7777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&dir.path().join("a/b")), 0o700);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let victim = dir.path().join("victim");
        fs::write(&victim, "kept").expect("writable");
        symlink(&victim, dir.path().join("x.log")).expect("can link");
        let error = open_private(&dir.path().join("x.log")).expect_err("a link is refused");
        assert!(matches!(error, FileError::Open { source: Errno::LOOP, .. }), "{error:?}");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for path in [dir.path(), Path::new("/dev/null")] {
            let error = open_private(path).expect_err("not a file");
            assert!(matches!(error, FileError::NotAFile { .. }), "{error:?}");
        }
    }

    #[test]
    fn a_file_with_a_second_name_is_refused_where_others_may_write() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (secret, log) = (dir.path().join("secret"), dir.path().join("x.log"));
        fs::write(&secret, "kept").expect("writable");
        fs::hard_link(&secret, &log).expect("can link");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).expect("can change the mode");
        let error = open_private(&log).expect_err("somebody could have linked it");
        assert!(matches!(error, FileError::Foreign { .. }), "{error:?}");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("can change the mode");
        open_private(&log).expect("only its owner can have linked it");
    }
}
