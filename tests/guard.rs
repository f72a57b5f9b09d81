//! The guard with real processes.
