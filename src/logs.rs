//! Output of services: the splice pump, the time index, rotation, reading and following.
//!
//! One pipe an instance takes stdout and stderr, so their order is kept; a stderr with a log of its own has a
//! second one. The pump moves what lies in
//! the pipe into the log file with splice(2): the bytes never pass through this process, so killing
//! it at any instant loses, doubles or tears none of them. Its successor goes on where the file ends.
//!
//! The bytes are the service's own; only where the service file asks for it are lines rewritten ([`rewrite`]). Times stand in a sidecar ([`index`]),
//! rotation happens at line ends ([`rotate`]), and a file that cannot be written becomes a counted
//! gap instead of a blocked service ([`pump`]).

pub mod file;
pub mod follow;
pub mod format;
pub mod index;
pub mod name;
pub mod pump;
pub mod pumps;
pub mod read;
pub mod rewrite;
pub mod rotate;
mod segment;
pub mod send;
mod spool;
mod store;
pub mod tap;

pub use file::FileError;
pub use follow::Follow;
pub use name::Channel;
pub use pump::{Next, Notice, Pump, Report, Settings};
pub use pumps::Pumps;
pub use read::{Line, Query, Reader};
pub use rewrite::{Form, Shape};
pub use tap::Tap;
