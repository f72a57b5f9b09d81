//! The one door: the HTTP API on the project's socket, its wire types and its client.
