//! Words that every room may use: a moment, a duration, a size, a name, a shared text, a signal, an exit, a cron line.
//!
//! Nothing here knows what a service is, reads a clock or touches the machine. Each type
//! checks its own rule in its constructor, so that nothing else has to.

pub mod cron;
pub mod duration;
pub mod exit;
pub mod failure;
pub mod invocation;
pub mod limit;
pub mod moment;
pub mod name;
pub mod shared;
pub mod signal;
pub mod size;

pub use cron::{Cron, Zone};
pub use exit::ExitStatus;
pub use failure::{SpawnFailure, Stage};
pub use invocation::Invocation;
pub use limit::{Limit, Resource, Shares};
pub use moment::Moment;
pub use name::Name;
pub use shared::SharedStr;
pub use signal::Signal;
pub use size::Size;
