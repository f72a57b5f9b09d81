//! `readiness`, `liveness`, `startup`: what is asked, and when.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Span};
use crate::model::node::command::{ShellText, Words};
use crate::model::node::value::{Count, Descriptor, Notify, OpenText, StatusRange, Url};
use crate::model::policy::LivenessFailure;
use crate::model::service::{Probing, Target, is_secret_name};
use crate::model::text::Text;
use crate::probe::{Class, Schedule};
use crate::schema::{Context, FromNode, FromValue, HIDDEN, Mask, Row, RowKind, Spec, WrittenNode, nodes};
use crate::syntax::Node;

nodes! {
    /// A probe: one of `notify`, `http`, `tcp`, `unix`, `exec`, `shell`, `log`, `fd`, `file`.
    ProbeNode {
        /// The service says so itself, by `sd_notify`.
        arg notify "notify": Notify = "";
        /// A URL that has to be answered with a good status.
        prop http "http": Url = "";
        /// A `host:port` that has to accept a connection.
        prop tcp "tcp": OpenText = "";
        /// A Unix socket that has to accept a connection.
        prop unix "unix": OpenText = "";
        /// A program that has to exit with 0.
        prop exec "exec": Words = "";
        /// A text for the shell that has to exit with 0.
        prop shell "shell": ShellText = "";
        /// A regular expression that a line of its log has to match.
        prop log "log": OpenText = "";
        /// A descriptor the service writes a line to.
        prop fd "fd": Descriptor = "";
        /// A path that has to exist.
        prop file "file": OpenText = "";
        /// The wait before the first attempt.
        prop delay "delay": Duration = "0s";
        /// The wait between two attempts. Without it, 100 ms growing to 2 s until it is ready, then 10 s.
        prop period "period": Duration = "";
        /// How long an attempt may take.
        prop timeout "timeout": Duration = "1s";
        /// How many failures in a row count as a failure.
        prop failures "failures": Count = "3";
        /// How many successes in a row count as a success.
        prop successes "successes": Count = "1";
        /// What a failed liveness leads to.
        prop on_failure "on-failure": LivenessFailure = "restart";
        /// Headers of the HTTP request.
        many header "header": HeaderNode = "";
        /// What the answer has to be.
        child expect "expect": ExpectNode = "";
    }

    /// What the answer to an HTTP request has to be.
    ExpectNode {
        /// The status codes that pass.
        prop status "status": StatusRange = "200..299";
    }
}

/// `header`: `Name="value"`.
#[derive(Clone, Debug)]
pub struct HeaderNode {
    /// Where it is written.
    pub span: Span,
    /// The headers, in order.
    pub headers: Vec<(String, Text)>,
}

impl FromNode for HeaderNode {
    const SPEC: &'static Spec = &Spec {
        doc: "Headers of the request: `header Authorization=\"Bearer x\"`.",
        rows: &[Row::new(RowKind::AnyProperty, "NAME", "a text", "A header and its value.")],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        cx.no_block(node);
        let mut headers = Vec::new();
        for entry in node.entries() {
            match entry.key() {
                None => cx.surplus(node, entry, Self::SPEC),
                Some((key, span)) => {
                    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
                    if key.is_empty() || !key.chars().all(token) {
                        let message = format!("`{key}` is no name of a header");
                        cx.say(
                            Diagnostic::error("svc::bad-header", span, message)
                                .help("a name has no blanks and no colon: `header Accept=\"text/html\"`"),
                        );
                        continue;
                    }
                    headers.extend(Text::read(entry, cx).map(|text| (key.to_owned(), text.value)));
                }
            }
        }
        Self { span: node.head_span(), headers }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        for (name, text) in &self.headers {
            node.entry(Some(name), text, text.span);
            if let Some(entry) = node.entries.last_mut().filter(|_| is_secret_header(name)) {
                entry.mask = Some(Mask::Marked(HIDDEN));
            }
        }
    }
}

/// Returns whether the value of a header of this name is not to be shown.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.replace('-', "_");
    is_secret_name(&name)
        || name.to_ascii_lowercase().ends_with("authorization")
        || name.eq_ignore_ascii_case("cookie")
}

impl ProbeNode {
    /// Makes the probe of a node. `None` after a mistake: see [`Self::check`].
    pub fn probing(self) -> Option<Probing> {
        let schedule = self.schedule();
        let target = if self.notify.is_some() {
            Target::Notify
        } else if let Some(http) = self.http {
            let headers = self.header.into_iter().flat_map(|node| node.headers).collect();
            let StatusRange(low, high) =
                self.expect.and_then(|expect| expect.status).map_or(StatusRange(200, 299), |s| s.value);
            Target::Http { url: http.value.0, headers, status: (low, high) }
        } else if let Some(tcp) = self.tcp {
            Target::Tcp(tcp.value.0)
        } else if let Some(unix) = self.unix {
            Target::Unix(unix.value.0)
        } else if let Some(exec) = self.exec {
            Target::Exec(exec.value.0)
        } else if let Some(shell) = self.shell {
            Target::Exec(shell.value.argv())
        } else if let Some(log) = self.log {
            Target::Log(log.value.0)
        } else if let Some(fd) = self.fd {
            Target::Fd(fd.value.0)
        } else {
            Target::File(self.file?.value.0)
        };
        Some(Probing { target, schedule })
    }

    /// Returns what it asks, by name; one thing, in a right node.
    fn asked(&self) -> impl Iterator<Item = (&'static str, Span)> {
        let Self { notify, http, tcp, unix, exec, shell, log, fd, file, .. } = self;
        let all = [
            ("notify", notify.map(|given| given.span)),
            ("http", http.as_ref().map(|given| given.span)),
            ("tcp", tcp.as_ref().map(|given| given.span)),
            ("unix", unix.as_ref().map(|given| given.span)),
            ("exec", exec.as_ref().map(|given| given.span)),
            ("shell", shell.as_ref().map(|given| given.span)),
            ("log", log.as_ref().map(|given| given.span)),
            ("fd", fd.map(|given| given.span)),
            ("file", file.as_ref().map(|given| given.span)),
        ];
        all.into_iter().filter_map(|(name, span)| Some((name, span?)))
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            delay: self.delay.map_or(Duration::ZERO, |delay| delay.value),
            period: self.period.map(|period| period.value),
            timeout: self.timeout.map_or(Duration::from_secs(1), |timeout| timeout.value),
            failures: self.failures.map_or(3, |failures| failures.value.0),
            successes: self.successes.map_or(1, |successes| successes.value.0),
        }
    }

    /// Says what is wrong in it. `damaged`: what seems to be missing may have been lost in a syntax error.
    pub fn check(&self, class: Class, damaged: bool, out: &mut impl FnMut(Diagnostic)) {
        let name = match class {
            Class::Readiness => "readiness",
            Class::Liveness => "liveness",
            Class::Startup => "startup",
        };
        let mut asked = self.asked();
        match (asked.next(), asked.next()) {
            (None, _) if self.mistaken || damaged => {}
            (None, _) => out(Diagnostic::error(
                "svc::missing",
                self.span,
                format!("`{name}` does not say what is asked"),
            )
            .help("one of `notify`, `http=`, `tcp=`, `unix=`, `exec=`, `shell=`, `log=`, `fd=`, `file=`")),
            (Some((what @ ("notify" | "fd" | "log"), span)), None) if class != Class::Readiness => {
                out(Diagnostic::error(
                    "svc::probe-kind",
                    span,
                    format!("`{what}` is said once and cannot be asked again"),
                )
                .help(format!("`{what}` is for `readiness`; `{name}` needs something to ask")));
            }
            (Some(_), None) => {}
            (Some((first, first_span)), Some((second, second_span))) => {
                out(Diagnostic::error(
                    "svc::probe-kind",
                    second_span,
                    format!("`{name}` asks one thing, not both `{first}` and `{second}`"),
                )
                .here("and this")
                .label(first_span, "this")
                .help("keep one of them"));
            }
        }
        if self.http.is_none()
            && let Some(span) = self.header.first().map(|h| h.span).or(self.expect.as_ref().map(|e| e.span))
        {
            out(Diagnostic::error("svc::probe-kind", span, "this belongs to a probe with `http=`")
                .help("remove it, or ask by `http=\"http://127.0.0.1:8080/\"`"));
        }
        if let Some(on_failure) = self.on_failure
            && class != Class::Liveness
        {
            out(Diagnostic::error(
                "svc::unknown-property",
                on_failure.span,
                format!("`{name}` has no property `on-failure`"),
            )
            .help("it is for `liveness`: a failed readiness means not ready, and never restarts"));
        }
        if let Some(period) = self.period {
            let timeout = self.schedule().timeout;
            let place = self.timeout.map_or(period.span, |timeout| timeout.span);
            if timeout > period.value {
                out(Diagnostic::warning(
                    "svc::probe-timeout",
                    place,
                    "an attempt may take longer than the time between two",
                )
                .label(period.span, "the time between two")
                .help("a `timeout` of at most the `period` keeps the answers in time"));
            }
        }
        if let Some(timeout) = self.timeout
            && timeout.value.is_zero()
        {
            out(Diagnostic::error("svc::out-of-range", timeout.span, "no attempt can end in no time")
                .help("write `timeout=\"1s\"`"));
        }
    }
}
