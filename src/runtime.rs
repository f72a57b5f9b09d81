//! The shell around the engine: turns kernel facts into events and actions into system calls.
