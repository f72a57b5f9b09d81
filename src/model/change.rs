//! What a running service does about a change.

use std::time::Duration;

use crate::base::Signal;
use crate::diagnostic::Span;
use crate::model::ignore::Ignore;
use crate::model::service::FilePath;
use crate::model::text::Text;

/// How a running service is told to read its configuration again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// By this signal.
    Signal(Signal),
    /// By this command: argv.
    Command(Vec<Text>),
}

/// Files whose change leads to something.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Files, and folders with everything in them.
    pub paths: Vec<FilePath>,
    /// What does not count in them.
    pub ignore: Ignore,
    /// How long it has to be quiet after a change.
    pub debounce: Duration,
    /// What a change leads to.
    pub reaction: Reaction,
    /// Whether what depends on it is restarted too.
    pub cascade: bool,
    /// Where it is written.
    pub span: Span,
}

/// What a change of watched files leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The service is restarted.
    Restart,
    /// The service is told to reload.
    Reload,
}
