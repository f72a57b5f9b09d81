//! Scenarios and the simulation of the supervision engine.
