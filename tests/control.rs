//! The control API and its clients on a real project.
