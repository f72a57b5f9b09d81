//! Log capture with real pipes and files.
