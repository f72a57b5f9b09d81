//! The supervision state machine: pure.
//!
//! It reads no clock, does no I/O and spawns nothing: time enters with an [`Event`], and what is to
//! be done leaves as [`Action`]s. It knows no process ids, no spans and no files.

pub mod action;
pub mod event;
pub mod view;

pub use action::{Action, Cause, Scope, StateName, Transition};
pub use event::{Command, Event, RequestId};
pub use view::View;
