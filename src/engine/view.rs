//! What can be seen of an instance from outside: read-only, for `ps`, `why` and the API.

use std::time::Duration;

use crate::base::{ExitStatus, Invocation, Moment};
use crate::engine::action::{Cause, StateName};
use crate::graph::InstanceId;
use crate::model::policy::Condition;

/// An instance as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which instance.
    pub instance: InstanceId,
    /// The state it is in.
    pub state: StateName,
    /// Whether it should be up.
    pub wanted: bool,
    /// Whether dependents may count on it now.
    pub ready: bool,
    /// When the state began.
    pub since: Moment,
    /// What led to the state.
    pub cause: Cause,
    /// The process it has, or had last.
    pub invocation: Option<Invocation>,
    /// How its last process ended.
    pub last_exit: Option<ExitStatus>,
    /// Automatic restarts since an operator last started it.
    pub restarts: u32,
    /// Failed attempts in a row.
    pub failures_in_a_row: u32,
    /// The next step that time will bring, if one is armed: restart, kill, timeout.
    pub due: Option<Moment>,
    /// What it waits for: the dependency and the condition that is not met; none for order only.
    pub waits_for: Vec<(InstanceId, Option<Condition>)>,
    /// What the last probe saw.
    pub last_probe: Option<String>,
    /// How long it took from launch to ready, the last time.
    pub took: Option<Duration>,
}
