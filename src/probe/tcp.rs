//! The probe `tcp="HOST:PORT"`: somebody accepts a connection.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::probe::Outcome;

/// Makes one attempt at connecting; the caller bounds its time.
///
/// `address` is `HOST:PORT`; a host name is looked up at each attempt.
pub async fn attempt(address: &str) -> Outcome {
    // A numeric address needs no resolver, and so no thread for it.
    let connected = match address.parse::<SocketAddr>() {
        Ok(address) => TcpStream::connect(address).await,
        Err(_) => TcpStream::connect(address).await,
    };
    match connected {
        Ok(_) => Outcome::passed("connected"),
        Err(error) => Outcome::of_error(&error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_listening_port_passes_and_a_closed_one_says_why_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        assert_eq!(attempt(&address).await, Outcome::passed("connected"));
        drop(listener);
        assert_eq!(attempt(&address).await, Outcome::failed("connection refused"));
    }
}
