//! The probe `unix="PATH"`: somebody accepts a connection on a Unix socket.

use std::path::Path;

use tokio::net::UnixStream;

use crate::probe::Outcome;

/// Makes one attempt at connecting; the caller bounds its time.
pub async fn attempt(path: &Path) -> Outcome {
    match UnixStream::connect(path).await {
        Ok(_) => Outcome::passed("connected"),
        Err(error) => Outcome::of_error(&error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_listening_socket_passes_and_a_missing_or_stale_one_says_why_not() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("s");
        assert_eq!(attempt(&path).await, Outcome::failed("no such file or directory"));
        let listener = UnixListener::bind(&path).expect("binds");
        assert_eq!(attempt(&path).await, Outcome::passed("connected"));
        drop(listener);
        assert_eq!(attempt(&path).await, Outcome::failed("connection refused"));
    }
}
