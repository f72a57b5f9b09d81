//! What `svc check` and `svc graph` say about service files, right and wrong.
