//! What may stand in a service file: tables, one row an option, that make structs, checking, decoding and docs.
