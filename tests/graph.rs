//! The graph: order, printers, and what is said about mistakes that concern several services.

mod order;
mod print;
