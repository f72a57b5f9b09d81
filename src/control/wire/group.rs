//! What control groups are good for here, and which limits do not hold without them.

use serde::{Deserialize, Serialize};

/// What a supervisor can do with control groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Whether the processes of each instance are in a group of their own: then all of them are found and killed, wherever they went.
    pub leaves: bool,
    /// The limits on all processes of an instance that can be enforced: of `memory`, `cpu` and `pids`.
    pub limits: Vec<String>,
    /// Why that is not everything; `null` when it is.
    pub lacking: Option<String>,
    /// How many processes a supervisor that was killed had left; they were ended before anything was started.
    pub cleared: u32,
}

/// Limits of the service file that do not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlimited {
    /// Which: `memory`, `cpu`, `pids`.
    pub limits: Vec<String>,
    /// Why.
    pub because: String,
}
