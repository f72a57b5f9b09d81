//! The KDL reader against the official suite, the kdl crate and hostile input.
