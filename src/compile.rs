//! The whole front end on one screen: sources to a plan and diagnostics.
