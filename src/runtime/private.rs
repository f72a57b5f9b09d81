//! Files that only their owner may read: records and service files may hold secrets.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file with mode 0600, under a temporary name first: whoever reads it finds it whole.
///
/// # Errors
///
/// What the file system says; the file is then as it was.
pub fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let mut options = File::options();
    let mut open = options.create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    open.write_all(content)?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_file_is_its_owner_s_alone_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("record.json");
        write(&file, b"a longer first text").expect("writable");
        write(&file, b"second").expect("writable");
        assert_eq!(fs::read(&file).expect("readable"), b"second");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is left beside it");
    }
}
