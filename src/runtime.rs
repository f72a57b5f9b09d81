//! The shell around the engine: turns kernel facts into events and actions into system calls.
//!
//! One task, one loop, one owner (`driver`): facts come in from the guard, the probes, the notify
//! sockets, the clock and the operators; each goes through `Engine::handle`, and what comes out is
//! carried out by `execute`, one arm an action. It decides nothing that is not about this machine,
//! and does not know who asks: the control room talks to it through a [`Handle`].

pub mod boot;
pub mod clock;
pub mod driver;
pub mod handle;
pub mod machine;
pub mod ports;
pub mod private;
pub mod project;
pub mod proposal;
pub mod read;
pub mod record;
pub mod resume;

mod aside;
mod change;
mod errand;
mod execute;
mod files;
mod hear;
mod journal;
mod launch;
mod listen;
mod lives;
mod notify;
mod slot;
mod watch;

pub use boot::{Before, BootError, Inherited, boot};
pub use driver::{Driver, Finished};
pub use handle::Handle;
pub use launch::Own;
pub(crate) use launch::log_settings;
pub use project::Project;
pub use resume::{Setup, resume};
