//! `control`: how svc can be reached.
//!
//! Whoever can reach it can start and stop everything, so that what is open to others is looked at twice.

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::model::control::{Account, Control, Http, PasswordHash, Socket};
use crate::model::node::env::PlainPath;
use crate::model::node::value::Mode;
use crate::model::service::FilePath;
use crate::schema::{Context, FromValue, Mask, WrittenValue, nodes};
use crate::syntax::{Entry, Value};

nodes! {
    /// How svc can be reached.
    ControlNode: layered {
        /// A Unix socket that svc is asked on; without a path, the one that each project has.
        many socket "socket": SocketNode = "" => Live;
        /// An address that svc is asked on over HTTP; there is none unless it is written.
        many http "http": HttpNode = "" => Live;
    }

    /// A socket that svc is asked on.
    SocketNode {
        /// Where; relative to this file.
        arg path "path": PlainPath = "in the runtime directory of the project";
        /// Its file mode, in quotes.
        prop mode "mode": Mode = "0600";
        /// Whose it is: a user, or a user and a group as `user:group`.
        prop owner "owner": String = "svc's own user";
    }

    /// An address that svc is asked on over HTTP.
    HttpNode {
        /// A host and a port.
        arg address "address": ListenAddress = "";
        /// Who may ask; without one, everybody who can reach it.
        many user "user": AccountNode = "";
    }

    /// A user of the HTTP interface.
    AccountNode {
        /// The name that is asked for.
        arg name "name": Name = "";
        /// The hash of the password: `$argon2id$…`, or `{SHA}…` as supervisord has it.
        prop password_hash "password-hash": PasswordHash = "";
    }
}

/// A `HOST:PORT` without variables.
#[derive(Clone, Debug)]
pub struct ListenAddress(pub String, pub u16);

impl FromValue for ListenAddress {
    const TYPE: &'static str = "a host and a port";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let (Value::String(text) | Value::Number(text)) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let span = entry.value_span();
        if !cx.no_variables(text, span) {
            return None;
        }
        let found = text.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
            (!host.is_empty() && !host.contains(['/', ' ', '*'])).then(|| Self(host.to_owned(), port))
        });
        if found.is_none() {
            let port = text.trim_start_matches(['*', ':']).parse::<u16>().unwrap_or(9001);
            let message = format!("`{text}` is no address with a port");
            cx.say(
                Diagnostic::error("svc::bad-address", span, message)
                    .help(format!("write a host and a port: `\"127.0.0.1:{port}\"`")),
            );
        }
        found
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(format!("{}:{}", self.0, self.1))
    }
}

impl ListenAddress {
    /// Returns whether only this machine can reach it.
    fn is_local(&self) -> bool {
        let host = self.0.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromValue for PasswordHash {
    const TYPE: &'static str = "the hash of a password";

    fn from_value(entry: Entry<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = entry.value() else {
            cx.wrong(entry, Self::TYPE);
            return None;
        };
        let found = Self::parse(text);
        if found.is_none() {
            // The text is not shown: it may be the password.
            cx.say(
                Diagnostic::error(
                    "svc::bad-password-hash",
                    entry.value_span(),
                    "this is no hash of a password",
                )
                .here("no hash")
                .help("write `$argon2id$…`, which `argon2 SALT -id -e` makes, or `{SHA}…`; never the password itself"),
            );
        }
        found
    }

    fn to_value(&self) -> WrittenValue {
        WrittenValue::Text(self.as_str().to_owned())
    }

    fn mask(&self) -> Option<Mask> {
        Some(Mask::Plain("$argon2id$v=19$***$***$***"))
    }
}

impl ControlNode {
    /// Says what is wrong in it.
    pub fn check(&self, cx: &mut Context<'_>) {
        for (at, node) in self.socket.iter().enumerate() {
            if let Some(first) = self.socket[..at].iter().find(|first| first.place() == node.place()) {
                let what = if node.path.is_some() { "this `socket`" } else { "the project's own `socket`" };
                cx.twice("svc::repeated-node", what, first.span, node.span);
            }
            if let Some(mode) = node.mode.filter(|mode| mode.value.0 & 0o002 != 0) {
                let message = "every user of this machine could start and stop services";
                cx.say(
                    Diagnostic::warning("svc::open-control", mode.span, message)
                        .help("give it to a group: `owner=\"root:admin\" mode=\"0660\"`"),
                );
            }
        }
        self.http.iter().for_each(|node| node.check(cx));
    }

    /// Makes what is in force of it. Of two about one place the later one holds, which is that of an upper layer.
    pub fn control(self) -> Control {
        let mut control = Control::default();
        for node in self.socket {
            let path = node.path.map(|path| path.value.0);
            control.sockets.retain(|socket: &Socket| socket.path != path);
            let mode = node.mode.map(|mode| Spanned::new(mode.value.0, mode.span));
            control.sockets.push(Socket { path, mode, owner: node.owner, span: node.span });
        }
        for http in self.http.into_iter().filter_map(HttpNode::http) {
            control.http.retain(|known| (&known.host, known.port) != (&http.host, http.port));
            control.http.push(http);
        }
        control
    }
}

impl SocketNode {
    fn place(&self) -> Option<&FilePath> {
        self.path.as_ref().map(|path| &path.value.0)
    }
}

impl HttpNode {
    fn check(&self, cx: &mut Context<'_>) {
        match &self.address {
            None => {
                let help = "write a host and a port: `http \"127.0.0.1:9001\"`";
                cx.lacks(self.span, self.mistaken, "`http` does not say where", help);
            }
            Some(address) if self.user.is_empty() && !address.value.is_local() => {
                let message = "everybody who can reach this address could start and stop services";
                let help = "ask for a password: `http … { user \"admin\" password-hash=\"$argon2id$…\" }`; or listen on `127.0.0.1`";
                cx.say(Diagnostic::warning("svc::open-control", address.span, message).help(help));
            }
            Some(_) => {}
        }
        for (at, node) in self.user.iter().enumerate() {
            let Some((name, _)) = node.name.as_ref().zip(node.password_hash.as_ref()) else {
                let help = "write `user \"admin\" password-hash=\"$argon2id$…\"`";
                cx.lacks(node.span, node.mistaken, "`user` needs a name and a `password-hash`", help);
                continue;
            };
            let mut before = self.user[..at].iter().filter_map(|node| node.name.as_ref());
            if let Some(first) = before.find(|first| first.value == name.value) {
                cx.twice("svc::duplicate-property", "this user", first.span, name.span);
            }
        }
    }

    fn http(self) -> Option<Http> {
        let ListenAddress(host, port) = self.address?.value;
        let account = |node: AccountNode| Some(Account { name: node.name?, hash: node.password_hash?.value });
        let users = self.user.into_iter().filter_map(account).collect();
        Some(Http { host, port, users, span: self.span })
    }
}
