//! What a watch covers: a file, a folder with everything in it, or what matches a pattern.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use jiff::Timestamp;

use crate::graph::plan::Ignore;
use crate::runtime::watch::changed_at;

/// What was found below a path.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The folders, each before what is in it.
    pub(super) folders: Vec<PathBuf>,
    /// Whether there are files that count.
    pub(super) files: bool,
    /// A file that counts and changed since the time asked for.
    pub(super) newer: Option<PathBuf>,
}

/// One path of a watch.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// Where what is watched begins.
    pub(super) base: PathBuf,
    /// Which files below it, by their whole path; all when it is absent.
    pattern: Option<Pattern>,
    /// Where it led when this was last looked at, through links.
    real: Option<PathBuf>,
}

impl Root {
    /// Makes one of a path as it is written; what has `*`, `?` or `[` in it and is no file is a pattern.
    pub(super) fn new(path: &Path) -> Self {
        let is_pattern = |part: &Component<'_>| {
            part.as_os_str().to_str().is_some_and(|part| part.contains(['*', '?', '[']))
        };
        let pattern = path.to_str().filter(|_| path.components().any(|part| is_pattern(&part)));
        let pattern = pattern.filter(|_| !path.exists()).and_then(|text| Pattern::new(text).ok());
        let base = match &pattern {
            Some(_) => path.components().take_while(|part| !is_pattern(part)).collect(),
            None => path.components().collect(),
        };
        Self { base, pattern, real: None }
    }

    /// Takes note of where it leads now.
    pub(super) fn settle(&mut self) {
        self.real = fs::canonicalize(&self.base).ok();
    }

    /// Returns whether it leads somewhere else than it did, by a link that was turned.
    pub(super) fn leads_elsewhere(&self) -> bool {
        let linked = self.real.as_ref().is_some_and(|real| *real != self.base);
        linked && fs::canonicalize(&self.base).ok() != self.real
    }

    pub(super) fn exists(&self) -> bool {
        self.base.exists()
    }

    /// Returns whether a path is on the way to it, or itself.
    pub(super) fn is_below(&self, path: &Path) -> bool {
        self.base.starts_with(path)
    }

    /// Returns the folders outside of it by which is seen that it comes, goes or is replaced: the one it is in, and
    /// where it leads to through links; of what is not there, the nearest that is.
    pub(super) fn above(&self) -> Vec<PathBuf> {
        let nearest = self.base.ancestors().skip(1).find(|path| path.is_dir()).map(Path::to_owned);
        let real = self.real.as_ref().filter(|real| **real != self.base && !real.is_dir());
        nearest.into_iter().chain(real.and_then(|real| Some(real.parent()?.to_owned()))).collect()
    }

    /// Returns whether what happens at a path happens to what is watched.
    pub(super) fn holds(&self, path: &Path, folder: bool, ignore: &Ignore) -> bool {
        if self.real.as_deref() == Some(path) {
            return true;
        }
        let Ok(below) = path.strip_prefix(&self.base) else { return false };
        if below.as_os_str().is_empty() {
            return self.pattern.is_none() || folder;
        }
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        // Anything may be in a folder.
        let meant =
            folder || self.pattern.as_ref().is_none_or(|pattern| pattern.matches_path_with(path, options));
        meant && !ignore.holds(below) && !is_leftover(below)
    }
}

/// Returns whether a path is what editors and version control leave beside what they are asked to write.
pub(super) fn is_leftover(path: &Path) -> bool {
    path.iter().filter_map(|part| part.to_str()).any(|part| {
        let swap =
            part.starts_with('.') && [".swp", ".swo", ".swx", ".swpx"].iter().any(|end| part.ends_with(end));
        // vim tries with this name whether it can write in a folder.
        swap || part.ends_with('~') || part.starts_with(".#") || part == "4913" || part == ".git"
    })
}

/// Walks through everything below a path that counts for one of the roots. Links are not followed.
pub(super) fn walk(from: &Path, roots: &[Root], ignore: &Ignore, since: Option<Timestamp>) -> Walk {
    let mut walk = Walk::default();
    let holds = |path: &Path, folder| roots.iter().any(|root| root.holds(path, folder, ignore));
    let mut todo = match from.is_dir() {
        true => vec![from.to_owned()],
        false => {
            look_at_file(from, since, &mut walk);
            Vec::new()
        }
    };
    while let Some(folder) = todo.pop() {
        // What cannot be read is not watched either, and that is said.
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            match (holds(&path, is_folder), is_folder) {
                (false, _) => {}
                (true, true) => todo.push(path),
                (true, false) => look_at_file(&path, since, &mut walk),
            }
        }
        walk.folders.push(folder);
    }
    walk
}

fn look_at_file(path: &Path, since: Option<Timestamp>, walk: &mut Walk) {
    walk.files = true;
    if let Some(since) = since
        && walk.newer.is_none()
        && let Ok(it) = fs::metadata(path)
        && changed_at(&it).is_some_and(|at| at > since)
    {
        walk.newer = Some(path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignore(patterns: &[&str]) -> Ignore {
        Ignore(patterns.iter().map(|pattern| Pattern::new(pattern).expect(pattern)).collect())
    }

    #[test]
    fn a_folder_holds_all_in_it_but_what_is_ignored_or_left_by_editors() {
        let root = Root::new(Path::new("/nowhere/src"));
        let holds = |path: &str| root.holds(Path::new(path), false, &ignore(&["*.log", "gen"]));
        assert!(holds("/nowhere/src/a.rs") && holds("/nowhere/src/deep/er/b.rs"));
        assert!(!holds("/nowhere/src/a.log") && !holds("/nowhere/src/gen/a.rs"));
        assert!(!holds("/nowhere/src/.a.rs.swp") && !holds("/nowhere/src/a.rs~"));
        assert!(!holds("/nowhere/src/.git/index") && !holds("/nowhere/other/a.rs"));
    }

    #[test]
    fn a_pattern_holds_what_matches_it_below_the_folder_before_it() {
        let root = Root::new(Path::new("/nowhere/src/**/*.ts"));
        let holds = |path: &str| root.holds(Path::new(path), false, &ignore(&[]));
        assert_eq!(root.base, Path::new("/nowhere/src"));
        assert!(holds("/nowhere/src/a.ts") && holds("/nowhere/src/deep/er/b.ts"));
        assert!(!holds("/nowhere/src/a.js") && !holds("/nowhere/a.ts"));
        assert!(root.holds(Path::new("/nowhere/src/deep"), true, &ignore(&[])));
    }
}
