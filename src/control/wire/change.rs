//! What putting another plan in force is asked with, and what it does: the forms of `POST /v1/plan`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Asks for what the service file says now to be put in force, or what that would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// Take it back when something that it starts does not come up at its first attempt.
    #[serde(default)]
    pub rollback: bool,
    /// What is to be up under it besides what is up already; when empty, what is new and not disabled.
    #[serde(default)]
    pub names: Vec<String>,
    /// How many instances of services there are to be, until the service file says another number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scale: BTreeMap<String, u32>,
    /// Leave the service file as it was when it was last put in force: only `scale` changes something.
    #[serde(default)]
    pub in_force: bool,
}

/// What putting the service file in force does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "svc.plan/1")]
pub struct Planned {
    /// The number that the end of it will carry; `null` after a dry run, and when there is nothing to do.
    pub request: Option<u64>,
    /// The last event before; everything after it is its doing or later.
    pub sequence: u64,
    /// What is done, instance by instance, in the order of the service file; what goes comes last.
    pub steps: Vec<PlanStep>,
    /// Services that have another number of instances than the service file says, because an operator asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaled: Vec<Scaled>,
}

/// A service with another number of instances than the service file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaled {
    /// Which.
    pub service: String,
    /// How many it has.
    pub replicas: u32,
    /// How many the service file says.
    pub file: u32,
}

/// What is done with one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Which.
    pub instance: String,
    /// What is done.
    pub action: PlanAction,
    /// What changed in it.
    pub fields: Vec<Field>,
    /// What it has to go down and come back with, when nothing that asks for it changed in itself.
    pub because_of: Option<String>,
}

/// What is done with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanAction {
    /// It is new and started.
    Start,
    /// It is new and not asked for.
    Add,
    /// Its process is replaced.
    Restart,
    /// It goes on; what changed holds now or from its next start on.
    Update,
    /// It is gone from the service file and stopped.
    Stop,
}

/// A field of an instance that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the service file.
    pub name: String,
    /// What the change means.
    pub effect: Effect,
}

/// What the change of a field means for a process that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It holds at once.
    Live,
    /// It holds from the next start on.
    NextStart,
    /// The process is replaced.
    Restart,
}
