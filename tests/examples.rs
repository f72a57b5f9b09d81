//! Every example compiles; the small ones run.
