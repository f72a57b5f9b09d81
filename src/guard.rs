//! The small parent process: spawns, reaps, and holds what must outlive the engine.
