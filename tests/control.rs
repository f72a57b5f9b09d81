//! The API over a real Unix socket, with a driver that obeys the test.

mod api;
mod events;
mod support;
