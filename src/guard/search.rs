//! Where a program may be, as execvp(3) looks for it.

use std::ffi::{CStr, CString, c_int};

/// `EMFILE` of errno(3), the same on every Linux.
pub(super) const EMFILE: c_int = 24;

/// Where a program is looked for when the environment has no `PATH`.
const DEFAULT: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The paths to try, in order: the program itself when it holds a `/`, else one for each folder of the
/// `PATH` in `env`. An empty entry there means the working directory. An empty name is not found.
pub(super) fn candidates(program: &CStr, env: &[CString]) -> Vec<CString> {
    let name = program.to_bytes();
    if name.is_empty() || name.contains(&b'/') {
        return vec![program.to_owned()];
    }
    let path = env.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT);
    path.split(|byte| *byte == b':').filter_map(|folder| join(folder, name)).collect()
}

fn join(folder: &[u8], name: &[u8]) -> Option<CString> {
    let folder = if folder.is_empty() { b"." } else { folder };
    CString::new([folder, b"/", name].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(program: &CStr, env: &[&CStr]) -> Vec<String> {
        let env: Vec<CString> = env.iter().map(|entry| (*entry).to_owned()).collect();
        let found = candidates(program, &env);
        found.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_name_with_a_slash_is_not_looked_for() {
        assert_eq!(search(c"./run", &[c"PATH=/bin"]), ["./run"]);
        assert_eq!(search(c"", &[c"PATH=/bin"]), [""]);
    }

    #[test]
    fn the_path_of_the_service_counts_and_an_empty_entry_is_its_directory() {
        assert_eq!(search(c"run", &[c"XPATH=/no", c"PATH=/a::/b"]), ["/a/run", "./run", "/b/run"]);
    }

    #[test]
    fn without_a_path_the_usual_folders_are_searched() {
        assert!(search(c"sh", &[]).contains(&"/bin/sh".to_owned()));
    }
}
