//! The probe `file="PATH"`: the path exists.

use std::path::Path;

use crate::probe::Outcome;

/// Makes one attempt; a link that points nowhere does not count.
pub fn attempt(path: &Path) -> Outcome {
    match std::fs::metadata(path) {
        Ok(_) => Outcome::passed("the file is there"),
        Err(error) => Outcome::of_error(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_passes_once_it_is_there() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("ready");
        assert_eq!(attempt(&path), Outcome::failed("no such file or directory"));
        std::fs::write(&path, "").expect("write");
        assert_eq!(attempt(&path), Outcome::passed("the file is there"));
    }
}
