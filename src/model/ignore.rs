//! What does not count among watched files.

use std::path::Path;

use glob::{MatchOptions, Pattern};

/// Patterns of paths that do not count.
///
/// A pattern with a `/` is matched against the whole path below what is watched, one without against every
/// part of it, so that `node_modules` leaves out the folder and `*.log` every log file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore(pub Vec<Pattern>);

impl Ignore {
    /// Returns whether a path does not count; `below` is relative to what is watched.
    pub fn holds(&self, below: &Path) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let matches = |pattern: &Pattern| match pattern.as_str().contains('/') {
            // A folder that does not count has nothing in it that does.
            true => below.ancestors().any(|path| pattern.matches_path_with(path, options)),
            false => below.iter().any(|part| pattern.matches_path_with(Path::new(part), options)),
        };
        self.0.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leaves_out_files_and_whole_folders() {
        let ignored = |pattern: &str, path: &str| {
            Ignore(vec![Pattern::new(pattern).expect(pattern)]).holds(Path::new(path))
        };
        assert!(ignored("*.log", "a/b/web.log"));
        assert!(ignored("node_modules", "a/node_modules/b/c.js"));
        assert!(ignored("build/out", "build/out/x.js"));
        assert!(ignored("**/*.test.js", "a/b.test.js"));
        assert!(!ignored("build/*", "src/build/x"));
        assert!(!ignored("*.log", "a/log.js"));
    }
}
