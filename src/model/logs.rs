//! Where the output of a service goes.

use crate::base::Size;
use crate::diagnostic::{Span, Spanned};
use crate::model::service::FilePath;
use crate::model::text::Text;

/// Where the output of a service goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere.
    None,
    /// To where svc's own output goes.
    Inherit,
    /// To a file that svc rotates.
    File {
        /// The file; `None` for the default place under the state directory.
        path: Option<FilePath>,
        /// The size at which it is rotated; zero for never.
        max_size: Size,
        /// How many rotated files are kept.
        keep: u32,
        /// What most do without.
        extras: Option<Box<LogExtras>>,
    },
}

/// What else can be said of a log file; each with the place where it is switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogExtras {
    /// Rotated files are compressed.
    pub compress: Option<Span>,
    /// What a line of the file is; `None` for the line as it was written.
    pub form: Option<Spanned<LineForm>>,
    /// The file for stderr; `None` for the same.
    pub stderr: Option<FilePath>,
    /// Each line goes to the machine's syslog too.
    pub syslog: Option<Span>,
    /// Where each line goes over the network too.
    pub forward: Vec<Forward>,
}

/// What a line of a log file is, when it is not the line as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineForm {
    /// The time and the line.
    Timed,
    /// A JSON object with the line, its time and its stream.
    Json,
}

/// Where each line of a log goes too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// To whom.
    pub to: Receiver,
    /// As what.
    pub form: ForwardForm,
    /// Where it is written.
    pub span: Span,
}

/// Who is sent lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// This `HOST:PORT`, one connection, lines one after another.
    Tcp(Text),
    /// This `HOST:PORT`, a datagram a line.
    Udp(Text),
    /// This Unix socket, a datagram a line.
    Unix(FilePath),
}

/// What is sent for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardForm {
    /// A JSON object with the line, its time, stream and instance.
    Json,
    /// A message of syslog, as RFC 5424 describes.
    Syslog,
    /// The line.
    Raw,
}
