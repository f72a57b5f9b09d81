//! Whole projects on the real binary, from up to down.

mod apply;
mod daemons;
mod faults;
mod first;
mod groups;
mod later;
mod life;
mod listen;
mod logs;
mod options;
mod output;
mod ports;
mod process;
mod reload;
mod scale;
mod tasks;
mod watch;
