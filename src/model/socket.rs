//! Sockets that svc opens and passes to a service.

use crate::diagnostic::Span;
use crate::model::service::FilePath;
use crate::model::text::Text;

/// A socket that svc opens and passes to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where.
    pub address: Address,
    /// What `LISTEN_FDNAMES` calls it; `None` for the service's name.
    pub name: Option<String>,
    /// How it is passed.
    pub passed: Passed,
    /// Where it is written.
    pub span: Span,
}

/// What a socket is opened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Connections to this `HOST:PORT`.
    Tcp(Text),
    /// Datagrams to this `HOST:PORT`.
    Udp(Text),
    /// Connections to this path.
    Unix {
        /// The path.
        path: FilePath,
        /// Its file mode.
        mode: u32,
    },
}

/// How a socket is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// As a descriptor from 3 on.
    Descriptor,
    /// As stdin.
    Stdin,
}
