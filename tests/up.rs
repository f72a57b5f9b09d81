//! Whole projects on the real binary, from up to down.
