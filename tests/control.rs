//! The API over a real Unix socket, with a driver that obeys the test.

mod api;
mod bounds;
mod events;
mod support;
