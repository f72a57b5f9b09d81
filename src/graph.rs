//! Names become ids, replicas become instances, edges become a graph: the frozen [`Plan`].
//!
//! Knows neither processes nor time. Everything that concerns more than one service is checked
//! here: unknown names, cycles, conditions that can never be met, clashes.

pub mod plan;

pub use plan::{Edge, Instance, InstanceId, Launch, Link, Plan, Relation, ServiceId};
