//! `logs`: where the output of a service goes.

use crate::base::Size;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::logs::{Forward, ForwardForm, LineForm, LogExtras, Logs, Receiver};
use crate::model::node::value::{OpenText, Output};
use crate::model::service::FilePath;
use crate::schema::{Context, nodes, words};

nodes! {
    /// Where the output goes.
    LogsNode {
        /// A path, `none` or `inherit`.
        arg output "output": Output = "a file under the state directory";
        /// The size at which a file is rotated; `"0B"` for never.
        prop max_size "max-size": Size = "10M" => Live;
        /// How many rotated files are kept.
        prop keep "keep": u32 = "5" => Live;
        /// Whether rotated files are compressed.
        prop compress "compress": bool = "#false" => Live;
        /// What a line of the file is: `raw`, the line as it was written; `json`, an object with it (`message`), its `time`, `instance` and `stream`.
        prop form "format": Form = "raw";
        /// Whether each line of the file begins with its time; `svc logs -t` shows it anyway.
        prop timestamps "timestamps": bool = "#false" => Live;
        /// A file of its own for stderr; relative to this file.
        prop stderr "stderr": FilePath = "the same file";
        /// Whether each line also goes to the machine's syslog.
        prop syslog "syslog": bool = "#false" => Live;
        /// Where each line also goes over the network.
        many forward "forward": ForwardNode = "" => Live;
    }

    /// Where each line also goes: one of `tcp`, `udp`, `unix`.
    ForwardNode {
        /// A `host:port` that takes lines.
        prop tcp "tcp": OpenText = "";
        /// A `host:port` that takes datagrams, a line each.
        prop udp "udp": OpenText = "";
        /// A Unix socket that takes datagrams, a line each; relative to this file.
        prop unix "unix": FilePath = "";
        /// What is sent: `json`, an object with the line, its time, stream and instance; `syslog`, as RFC 5424 says; `raw`, the line.
        prop form "format": ForwardForm = "json";
    }
}

words! { Form, "the form of a line", &[("text", "raw"), ("plain", "raw"), ("jsonl", "json")];
    "raw" Form::Raw, "json" Form::Json,
}

words! { ForwardForm, "the form of a line", &[("text", "raw"), ("plain", "raw"), ("rfc5424", "syslog")];
    "json" ForwardForm::Json, "syslog" ForwardForm::Syslog, "raw" ForwardForm::Raw,
}

/// A form as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `raw`.
    Raw,
    /// `json`.
    Json,
}

impl LogsNode {
    /// Makes what is in force of the node.
    pub fn logs(self) -> Logs {
        let path = match &self.output {
            Some(Spanned { value: Output::None, .. }) => return Logs::None,
            Some(Spanned { value: Output::Inherit, .. }) => return Logs::Inherit,
            Some(Spanned { value: Output::File(path), .. }) => Some(path.clone()),
            None => None,
        };
        let extras = self.extras();
        Logs::File {
            path,
            max_size: self.max_size.map_or(Size(10 << 20), |size| size.value),
            keep: self.keep.map_or(5, |keep| keep.value),
            extras: (extras != LogExtras::default()).then(|| Box::new(extras)),
        }
    }

    fn extras(&self) -> LogExtras {
        let on = |flag: Option<Spanned<bool>>| flag.filter(|flag| flag.value).map(|flag| flag.span);
        let json = self.form.filter(|form| form.value == Form::Json);
        let json = json.map(|form| Spanned::new(LineForm::Json, form.span));
        LogExtras {
            compress: on(self.compress),
            form: json.or_else(|| on(self.timestamps).map(|span| Spanned::new(LineForm::Timed, span))),
            stderr: self.stderr.as_ref().map(|path| path.value.clone()),
            syslog: on(self.syslog),
            forward: self.forward.iter().filter_map(ForwardNode::forward).collect(),
        }
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        if let Some(output) = &self.output
            && !matches!(output.value, Output::File(_))
            && let Some((name, span)) = self.of_a_file()
        {
            let word = cx.written(output.span).to_owned();
            let message = format!("`{name}` is about a log file, and with `{word}` there is none");
            cx.say(
                Diagnostic::error("svc::logs-without-file", span, message)
                    .label(output.span, "no file")
                    .help(format!(
                        "remove one of the two; without `{word}` there is a file under the state directory"
                    )),
            );
        }
        if let (Some(Spanned { value: Form::Json, span: form }), Some(Spanned { value: true, span })) =
            (self.form, self.timestamps)
        {
            cx.say(
                Diagnostic::error(
                    "svc::logs-time-twice",
                    span,
                    "with `format=json` each line has its time anyway",
                )
                .label(form, "has the time")
                .help("remove `timestamps`"),
            );
        }
        for node in &self.forward {
            node.check(cx);
        }
    }

    /// Returns the first of what only a file has.
    fn of_a_file(&self) -> Option<(&'static str, Span)> {
        let Self { max_size, keep, compress, form, timestamps, stderr, syslog, forward, .. } = self;
        let given = [
            ("max-size", max_size.map(|given| given.span)),
            ("keep", keep.map(|given| given.span)),
            ("compress", compress.map(|given| given.span)),
            ("format", form.map(|given| given.span)),
            ("timestamps", timestamps.map(|given| given.span)),
            ("stderr", stderr.as_ref().map(|given| given.span)),
            ("syslog", syslog.map(|given| given.span)),
            ("forward", forward.first().map(|given| given.span)),
        ];
        given.into_iter().find_map(|(name, span)| Some((name, span?)))
    }
}

impl ForwardNode {
    fn forward(&self) -> Option<Forward> {
        let to = match (&self.tcp, &self.udp, &self.unix) {
            (Some(tcp), ..) => Receiver::Tcp(tcp.value.0.clone()),
            (_, Some(udp), _) => Receiver::Udp(udp.value.0.clone()),
            (.., Some(unix)) => Receiver::Unix(unix.value.clone()),
            (None, None, None) => return None,
        };
        let form = self.form.map_or(ForwardForm::Json, |form| form.value);
        Some(Forward { to, form, span: self.span })
    }

    fn check(&self, cx: &mut Context<'_>) {
        let given = [
            ("tcp", self.tcp.as_ref().map(|given| given.span)),
            ("udp", self.udp.as_ref().map(|given| given.span)),
            ("unix", self.unix.as_ref().map(|given| given.span)),
        ];
        let help = "one of `tcp=\"127.0.0.1:5170\"`, `udp=\"127.0.0.1:514\"`, `unix=\"/dev/log\"`";
        cx.one_of("forward", self.span, self.mistaken, &given, help);
    }
}
