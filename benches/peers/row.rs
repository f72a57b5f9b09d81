//! The rows of the table, one file each.

mod api;
mod graph;
mod idle;
mod memory;
mod ps;
mod restart;
mod start;
mod stop;
mod storm;
mod throughput;
mod writers;

use crate::bench::Bench;

/// The name `--only` takes, and what measures and prints it.
type Row = (&'static str, fn(&Bench));

/// Every row.
pub(crate) const ROWS: &[Row] = &[
    ("memory", memory::run),
    ("idle", idle::run),
    ("start", start::run),
    ("graph", graph::run),
    ("restart", restart::run),
    ("storm", storm::run),
    ("stop", stop::run),
    ("ps", ps::run),
    ("throughput", throughput::run),
    ("writers", writers::run),
    ("api", api::run),
];
