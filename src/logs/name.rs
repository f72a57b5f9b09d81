//! Where a log lies and what the files beside it are called.
//!
//! `api.0.log` is written, `api.0.log.1` is the newest rotated one. Each has a hidden index beside it,
//! `.api.0.log.index` and `.api.0.log.1.index`: hidden, so that `cat api.0.log*` shows text only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Which output of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Standard output, and standard error unless that has a log of its own.
    Out,
    /// Standard error, where it has a log of its own.
    Err,
}

impl Channel {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Out, Self::Err];
}

/// Returns where an instance's log lies when its service file does not say.
pub fn default_path(state_dir: &Path, instance: &str) -> PathBuf {
    state_dir.join(format!("{instance}.log"))
}

/// Returns the path of the `number`-th rotated file; zero is the log itself.
pub fn rotated(log: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return log.to_owned();
    }
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Returns the path of the index of one log file, rotated or not.
pub fn index(file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".index");
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_hidden_beside_its_file() {
        let log = default_path(Path::new("/var/log/svc/shop"), "api.0");
        assert_eq!(rotated(&log, 0), Path::new("/var/log/svc/shop/api.0.log"));
        assert_eq!(rotated(&log, 2), Path::new("/var/log/svc/shop/api.0.log.2"));
        assert_eq!(index(&rotated(&log, 2)), Path::new("/var/log/svc/shop/.api.0.log.2.index"));
        assert_eq!(index(Path::new("x.log")), Path::new(".x.log.index"));
    }
}
