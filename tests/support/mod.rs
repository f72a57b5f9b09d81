//! What tests share: a temporary project, a child that obeys a script.
