//! `listen`: sockets that svc opens and passes to the service.

use crate::diagnostic::Diagnostic;
use crate::model::node::value::{Mode, OpenText};
use crate::model::service::FilePath;
use crate::model::socket::{Address, Passed, Socket};
use crate::schema::{Context, FromValue, WrittenValue, nodes, words};
use crate::syntax::{Entry, Value};

nodes! {
    /// A socket that svc opens before the service starts and passes to it, as sd_listen_fds(3) describes: no
    /// connection is refused while it restarts. Replicas with the same address share it.
    ListenNode {
        /// A `host:port` to accept connections on.
        prop tcp "tcp": OpenText = "";
        /// A `host:port` to receive datagrams on.
        prop udp "udp": OpenText = "";
        /// A Unix socket; relative to this file.
        prop unix "unix": FilePath = "";
        /// What `LISTEN_FDNAMES` calls it.
        prop name "name": SocketName = "the service's name";
        /// The file mode of a Unix socket, in quotes.
        prop mode "mode": Mode = "0600";
        /// How it is passed: from descriptor 3 on, or as stdin, as FastCGI wants it.
        prop passed "as": Passed = "fds";
    }
}

words! { Passed, "how it is passed", &[("fd", "fds"), ("inetd", "stdin"), ("fcgi", "stdin")];
    "fds" Passed::Descriptor, "stdin" Passed::Stdin,
}

/// A name that `LISTEN_FDNAMES` can hold.
#[derive(Clone, Debug)]
pub struct SocketName(pub String);

impl FromValue for SocketName {
    const TYPE: &'static str = "the name of a socket";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if text.is_empty() || text.len() > 255 || !printable {
            let message = format!("`{}` cannot be the name of a socket", text.escape_debug());
            cx.say(
                Diagnostic::error("svc::bad-name", entry.value_span(), message)
                    .help("one to 255 letters, digits and signs other than `:`"),
            );
            return None;
        }
        Some(Self(text.to_owned()))
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.0.clone())
    }
}

impl ListenNode {
    /// Makes a socket of the node; `None` after a mistake: see [`Self::check`].
    pub fn socket(&self) -> Option<Socket> {
        let address = match (&self.tcp, &self.udp, &self.unix) {
            (Some(tcp), ..) => Address::Tcp(tcp.value.0.clone()),
            (_, Some(udp), _) => Address::Udp(udp.value.0.clone()),
            (.., Some(unix)) => {
                Address::Unix { path: unix.value.clone(), mode: self.mode.map_or(0o600, |mode| mode.value.0) }
            }
            (None, None, None) => return None,
        };
        Some(Socket {
            address,
            name: self.name.as_ref().map(|name| name.value.0.clone()),
            passed: self.passed.map_or(Passed::Descriptor, |passed| passed.value),
            span: self.span,
        })
    }

    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        let Self { tcp, udp, unix, .. } = self;
        let given = [
            ("tcp", tcp.as_ref().map(|given| given.span)),
            ("udp", udp.as_ref().map(|given| given.span)),
            ("unix", unix.as_ref().map(|given| given.span)),
        ];
        let help = "one of `tcp=\"127.0.0.1:8080\"`, `udp=\"127.0.0.1:8125\"`, `unix=\"run/web.sock\"`";
        cx.one_of("listen", self.span, self.mistaken, &given, help);
        if let (Some(mode), None) = (&self.mode, unix) {
            cx.say(
                Diagnostic::error("svc::mode-without-file", mode.span, "only a Unix socket has a file mode")
                    .help("remove it; who can reach a port is the firewall's matter"),
            );
        }
    }
}
