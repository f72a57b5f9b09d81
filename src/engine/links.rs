//! Who depends on whom, and which of the edges are in force.
//!
//! An edge is *held* while its dependent wants its dependency up. A dependency is wanted while it
//! was asked for or anything holds it; the count is kept, never searched for.

use std::ops::Range;

use crate::graph::plan::{Edge, InstanceId, Plan, Relation};

/// The position of an edge in the plan.
pub(crate) type EdgeId = u32;

/// The edges of a plan, from both ends.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// For each instance, where its edges to dependencies begin; the plan sorts them by dependent.
    out: Vec<u32>,
    /// For each instance, where its part of `back` begins.
    into: Vec<u32>,
    /// Edges by dependency.
    back: Vec<EdgeId>,
    /// Whether an edge is in force.
    pub(crate) held: Vec<bool>,
}

impl Links {
    pub(crate) fn new(plan: &Plan) -> Self {
        let count = plan.instances.len();
        let (mut out, mut into) = (vec![0; count + 1], vec![0; count + 1]);
        for edge in &plan.edges {
            out[edge.dependent.0 as usize + 1] += 1;
            into[edge.dependency.0 as usize + 1] += 1;
        }
        for i in 0..count {
            out[i + 1] += out[i];
            into[i + 1] += into[i];
        }
        let mut free = into.clone();
        let mut back = vec![0; plan.edges.len()];
        for (id, edge) in plan.edges.iter().enumerate() {
            let place = &mut free[edge.dependency.0 as usize];
            back[*place as usize] = id as EdgeId;
            *place += 1;
        }
        Self { out, into, back, held: vec![false; plan.edges.len()] }
    }

    /// Returns the edges from an instance to what it depends on.
    pub(crate) fn dependencies(&self, of: InstanceId) -> Range<EdgeId> {
        self.out[of.0 as usize]..self.out[of.0 as usize + 1]
    }

    /// Returns where the edges to an instance stand, for [`Links::dependent`].
    pub(crate) fn dependents(&self, of: InstanceId) -> Range<u32> {
        self.into[of.0 as usize]..self.into[of.0 as usize + 1]
    }

    /// Returns the edge at a place of [`Links::dependents`].
    pub(crate) fn dependent(&self, place: u32) -> EdgeId {
        self.back[place as usize]
    }
}

/// Returns whether an edge makes its dependent want its dependency.
pub(crate) const fn pulls(edge: &Edge) -> bool {
    matches!(edge.relation, Relation::DependsOn { .. })
}

/// Returns whether the dependent cannot be without the dependency.
pub(crate) const fn requires(edge: &Edge) -> bool {
    matches!(edge.relation, Relation::DependsOn { required: true, .. })
}

/// Returns whether an automatic restart of the dependency restarts the dependent.
pub(crate) const fn restarts(edge: &Edge) -> bool {
    matches!(edge.relation, Relation::DependsOn { restart: true, .. })
}
