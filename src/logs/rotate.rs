//! Rotation by renaming: `log` → `log.1` → … → `log.KEEP`, the oldest dropped.
//!
//! A kill between any two steps leaves a hole in the numbers, and the next rotation ends there: files
//! are moved up only as far as the first free number, so that repeating it never drops a second file.
//! Each index moves before its file. Repeating the step finds the index moved already, or finds it in
//! its old place together with its file; either way the pair ends up together. (The one pair that could
//! be torn apart, that of the log itself, is mended when the log is opened: an index knows its file.)

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, rename, unlink};
use rustix::io::Errno;

use crate::logs::file::FileError;
use crate::logs::name;

/// One system call of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

/// Moves a full log and its rotated files up by one and drops what is more than `keep`.
///
/// Afterwards there is no file at `log`. With `keep` zero the log itself is dropped.
///
/// # Errors
///
/// [`FileError::Rotate`] names the file that could not be moved; calling it again goes on there.
pub fn shift(log: &Path, keep: u32) -> Result<(), FileError> {
    steps(log, keep).iter().try_for_each(act)
}

/// Lists the steps of a rotation of what is there now.
fn steps(log: &Path, keep: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut remove = |number| {
        let file = name::rotated(log, number);
        steps.push(Step::Remove(name::index(&file)));
        steps.push(Step::Remove(file));
    };
    // What a larger `keep` left behind.
    (keep + 1..).take_while(|&number| exists(&name::rotated(log, number))).for_each(&mut remove);
    let top = (1..=keep).find(|&number| !exists(&name::rotated(log, number))).unwrap_or_else(|| {
        remove(keep);
        keep
    });
    for number in (0..top).rev() {
        let (from, to) = (name::rotated(log, number), name::rotated(log, number + 1));
        steps.push(Step::Rename { from: name::index(&from), to: name::index(&to) });
        steps.push(Step::Rename { from, to });
    }
    steps
}

fn exists(path: &Path) -> bool {
    access(path, Access::EXISTS).is_ok()
}

/// Does one step; what is not there needs no moving.
fn act(step: &Step) -> Result<(), FileError> {
    let (path, done) = match step {
        Step::Remove(path) => (path, unlink(path)),
        Step::Rename { from, to } => (from, rename(from, to)),
    };
    match done {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(source) => Err(FileError::Rotate { path: path.clone(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    /// Puts `texts[0]` into the log, `texts[1]` into the newest rotated file, … each with its index.
    fn logs(texts: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = dir.path().join("x.log");
        for (text, number) in texts.iter().zip(0..) {
            let file = name::rotated(&log, number);
            fs::write(&file, text).expect("writable");
            fs::write(name::index(&file), text).expect("writable");
        }
        (dir, log)
    }

    /// Shows each file's text by its number, with a mark where the index is not that file's.
    fn shown(log: &Path) -> String {
        let mut found = BTreeMap::new();
        for number in 0..20 {
            let file = name::rotated(log, number);
            let index = fs::read_to_string(name::index(&file)).ok();
            let Ok(text) = fs::read_to_string(&file) else {
                assert_eq!(index, None, "an index without its file");
                continue;
            };
            let mark = if index.as_ref() == Some(&text) { "" } else { "!" };
            found.insert(number, format!("{number}{text}{mark}"));
        }
        found.into_values().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_move_up_and_the_oldest_goes() {
        let (_dir, log) = logs(&["a", "b", "c"]);
        shift(&log, 3).expect("can rotate");
        assert_eq!(shown(&log), "1a 2b 3c");
        fs::write(&log, "A").expect("writable");
        fs::write(name::index(&log), "A").expect("writable");
        shift(&log, 3).expect("can rotate");
        assert_eq!(shown(&log), "1A 2a 3b");
    }

    #[test]
    fn keep_zero_drops_the_log_and_a_smaller_keep_what_is_too_many() {
        let (_dir, log) = logs(&["a", "b", "c", "d"]);
        shift(&log, 1).expect("can rotate");
        assert_eq!(shown(&log), "1a");
        let (_dir, log) = logs(&["a", "b"]);
        shift(&log, 0).expect("can rotate");
        assert_eq!(shown(&log), "");
    }

    #[test]
    fn a_rotation_killed_after_any_step_and_repeated_drops_one_file_only() {
        let texts = ["a", "b", "c", "d"];
        let (_dir, log) = logs(&texts);
        let count = steps(&log, 3).len();
        for killed_after in 0..count {
            let (_dir, log) = logs(&texts);
            steps(&log, 3)[..killed_after].iter().try_for_each(act).expect("can rotate");
            if exists(&log) {
                mend(&log);
                shift(&log, 3).expect("can rotate");
            }
            assert_eq!(shown(&log), "1a 2b 3c", "killed after {killed_after} of {count} steps");
        }
    }

    /// Stands for opening the log, which gives it back an index that moved without it.
    fn mend(log: &Path) {
        let moved = name::index(&name::rotated(log, 1));
        if !exists(&name::index(log)) && fs::read(&moved).ok() == fs::read(log).ok() {
            fs::rename(moved, name::index(log)).expect("can rename");
        }
    }

    #[test]
    fn what_cannot_be_moved_is_named() {
        let (_dir, log) = logs(&["a"]);
        fs::create_dir(name::rotated(&log, 1)).expect("can make a directory");
        fs::write(name::rotated(&log, 1).join("x"), "").expect("writable");
        let error = shift(&log, 1).expect_err("a directory is in the way");
        assert_eq!(error.to_string(), format!("cannot rotate the log file `{}.1`", log.display()));
    }
}
