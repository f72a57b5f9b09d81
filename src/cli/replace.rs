//! Puts a new text in the place of a file: all of it or nothing, whatever happens on the way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Replaces what a file holds. Mode and owner stay. `path` is no symbolic link, else the link would be replaced.
///
/// # Errors
///
/// The text cannot be written beside it or take its place, or the file would change hands. It is as
/// it was then.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let done = write(&beside, path, text).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        // It may not exist; what went wrong first is what is said.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn write(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(beside)?;
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(&file, Some(old.uid()), Some(old.gid())).map_err(|error| {
            let (uid, gid) = (old.uid(), old.gid());
            io::Error::new(error.kind(), format!("cannot give it back to user {uid}, group {gid}: {error}"))
        })?;
    }
    file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_stays_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.kdl");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        replace(&path, "new").expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("nothing");
        replace(&path, "new").expect_err("there is nothing to replace");
        fs::create_dir(&path).expect("made");
        replace(&path, "new").expect_err("a folder is not replaced by a file");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }
}
