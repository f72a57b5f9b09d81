//! svc: a process supervisor for Linux.
//!
//! One KDL file says what should run. It goes through a pipeline with a pure middle:
//!
//! ```text
//! text ─syntax▶ Document ─schema,model▶ Model ─graph▶ Plan ─▶ engine ◀events/actions▶ runtime ◀▶ guard ◀▶ processes
//! ```
//!
//! Start reading in [`compile`], the whole front end on one screen, or in [`engine`], the supervision
//! state machine. Which room may use which is a table in docs/ARCHITECTURE.md, kept by
//! `tests/tidy.rs`.

pub mod base;
pub mod cli;
pub mod compile;
pub mod control;
pub mod diagnostic;
pub mod engine;
pub mod graph;
pub mod guard;
pub mod logs;
pub mod model;
pub mod probe;
pub mod runtime;
pub mod schema;
pub mod syntax;
pub mod sys;
