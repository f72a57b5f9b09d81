//! Names become ids, replicas become instances, edges become a graph: the frozen [`Plan`].
//!
//! Knows neither processes nor time. Everything that concerns more than one service is checked
//! here: unknown names, cycles, conditions that can never be met, clashes.

mod arrows;
pub mod build;
pub mod change;
mod check;
mod cycle;
pub mod order;
pub mod plan;
mod ports;
pub mod print;
mod variables;

pub use build::{Account, Accounts, Ports, Scale, World, build};
pub use change::{Change, Effect, Fate};
pub use order::{Order, Toward};
pub use plan::{Edge, Instance, InstanceId, Launch, Link, Plan, Relation, ServiceId};
pub use ports::AutoPort;
