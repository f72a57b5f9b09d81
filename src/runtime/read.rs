//! Reads the texts a person names: service files, what they include, env-files.
//!
//! What a path leads to is not trusted. A FIFO, a socket, a device or a folder is refused before it
//! is opened, so that nothing waits for a writer and no device notices; and what is read is bounded,
//! whatever the file says its size is.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::syntax::readable;

/// How many bytes a file may have: 64 MiB, which is some 180 000 services.
pub const MAX_FILE: u64 = 64 << 20;

/// Reads a file. It never blocks on what is no file.
///
/// # Errors
///
/// It is not there, no regular file, too large, or not UTF-8: the error's text says which.
pub fn file(path: &Path) -> io::Result<Arc<str>> {
    regular(&std::fs::metadata(path)?)?;
    // Another file may have taken its place since: it is opened so that it cannot block, and looked
    // at once more.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let open = File::options().read(true).custom_flags(flags).open(path)?;
    let metadata = open.metadata()?;
    regular(&metadata)?;
    stream(open, metadata.len())
}

/// Reads a stream to its end; `expected` is how many bytes it will probably have.
///
/// # Errors
///
/// It is too large or not UTF-8, or cannot be read.
pub fn stream(from: impl Read, expected: u64) -> io::Result<Arc<str>> {
    if expected > MAX_FILE {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(expected as usize + 1);
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large());
    }
    readable::text(bytes).map(Arc::from)
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {}, not a file", what(kind))))
}

fn what(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn too_large() -> io::Error {
    let message = format!("it is larger than {} MiB", MAX_FILE >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn why(path: &Path) -> String {
        readable::why(&file(path).expect_err("no file to read"))
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("made");
        let _socket = UnixListener::bind(at("socket")).expect("bound");
        std::os::unix::fs::symlink("/dev/zero", at("link")).expect("linked");
        assert_eq!(why(&at("fifo")), "it is a FIFO, not a file");
        assert_eq!(why(&at("socket")), "it is a socket, not a file");
        assert_eq!(why(&at("link")), "it is a device, not a file");
        assert_eq!(why(folder.path()), "it is a folder");
        assert_eq!(why(&at("nothing")), "there is no such file");
    }

    #[test]
    fn a_file_of_any_size_costs_no_more_than_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sparse.kdl");
        File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a file of holes");
        assert_eq!(why(&path), "it is larger than 64 MiB");
        let endless = stream(io::repeat(b'a'), 0).expect_err("endless");
        assert_eq!(readable::why(&endless), "it is larger than 64 MiB");
        // The kernel says of these that they have no bytes.
        assert!(file(Path::new("/proc/self/status")).expect("readable").contains("Name:"));
    }
}
