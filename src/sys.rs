//! Every raw system call and every unsafe line.

pub mod memory;
pub mod pipe;
pub mod socket;
