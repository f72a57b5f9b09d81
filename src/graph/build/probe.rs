//! Probes with everything filled in; addresses are taken apart and checked here, since a variable
//! may have been part of them.

use std::net::Ipv6Addr;
use std::path::Path;

use crate::base::SharedStr;
use crate::diagnostic::Diagnostic;
use crate::graph::build::instance::Filler;
use crate::graph::variables::joined;
use crate::model::service::Target;
use crate::model::text::Text;
use crate::probe::{Http, Probe};

/// Fills a target; nothing after a mistake, which was said. Paths are relative to the working directory.
pub(super) fn probe(target: &Target, working_dir: &Path, fill: &mut Filler<'_, '_>) -> Option<Probe> {
    Some(match target {
        Target::Notify => Probe::Notify,
        Target::Fd(fd) => Probe::Fd(*fd),
        Target::Log(pattern) => Probe::Log(log(pattern, fill)?),
        Target::Tcp(address) => Probe::Tcp(tcp(address, fill)?),
        Target::Unix(path) => Probe::Unix(joined(working_dir, &fill.text(path))),
        Target::Http { url, headers, status } => {
            let headers = headers.iter().map(|(name, value)| (name.clone(), fill.text(value))).collect();
            let (authority, path) = http(url, fill)?;
            Probe::Http(Http { authority, path, secret: url.secret, headers, status: *status })
        }
        Target::Exec(words) => Probe::Exec(fill.exec(words)),
        Target::File(path) => Probe::File(joined(working_dir, &fill.text(path))),
    })
}

fn log(text: &Text, fill: &mut Filler<'_, '_>) -> Option<SharedStr> {
    let pattern = fill.known(text)?;
    if !fill.is_known_pattern(&pattern)
        && let Err(error) = regex::Regex::new(&pattern)
    {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        fill.say(
            Diagnostic::error("svc::bad-pattern", text.span, "this is no regular expression")
                .here(why)
                .help(format!("to find just this text, write `#\"{}\"#`", regex::escape(&pattern))),
        );
    }
    Some(pattern)
}

fn tcp(text: &Text, fill: &mut Filler<'_, '_>) -> Option<SharedStr> {
    let address = fill.known(text)?;
    if host_and_port(&address).is_none() {
        let help = match address.parse::<u16>() {
            Ok(port) => format!("write `tcp=\"127.0.0.1:{port}\"`"),
            Err(_) => "write a host and a port: `tcp=\"127.0.0.1:8080\"`".to_owned(),
        };
        let message = format!("`{address}` is no address with a port");
        fill.say(Diagnostic::error("svc::bad-address", text.span, message).help(help));
        return None;
    }
    Some(address)
}

fn http(text: &Text, fill: &mut Filler<'_, '_>) -> Option<(SharedStr, SharedStr)> {
    let url = fill.known(text)?;
    let parts = taken_apart(&url);
    if parts.is_none() {
        let (message, help) = match url.starts_with("https:") {
            true => (
                "a probe speaks plain HTTP only".to_owned(),
                format!("ask a port without TLS, or run a program: `exec=\"curl -fsS {url}\"`"),
            ),
            false => (
                format!("`{url}` is no URL to ask"),
                "write it whole: `http=\"http://127.0.0.1:8080/health\"`".to_owned(),
            ),
        };
        fill.say(Diagnostic::error("svc::bad-url", text.span, message).help(help));
    }
    parts
}

/// Takes `http://HOST[:PORT][/PATH]` apart into host with port and path.
fn taken_apart(url: &SharedStr) -> Option<(SharedStr, SharedStr)> {
    let rest = url.strip_prefix("http://")?;
    let start = url.len() - rest.len();
    let end = rest.find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    let authority = url.part(start..end);
    let ported = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let authority = if ported { authority } else { format!("{authority}:80").into() };
    host_and_port(&authority)?;
    let rest = &url[end..];
    if rest.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return None;
    }
    let path = url.part(end..rest.find('#').map_or(url.len(), |fragment| end + fragment));
    Some((authority, if path.starts_with('/') { path } else { format!("/{path}").into() }))
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
pub(super) fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port: &u16| port > 0 && digits)?;
    good.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("127.0.0.1:80"), Some(("127.0.0.1", 80)));
        assert_eq!(host_and_port("[::1]:8080"), Some(("[::1]", 8080)));
        assert_eq!(host_and_port("db_1.local:5432"), Some(("db_1.local", 5432)));
        for bad in [
            "",
            "80",
            ":80",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "host:+80",
            "::1:80",
            "a b:80",
            "[x]:80",
        ] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_url_is_taken_apart_into_whom_and_what_to_ask() {
        let apart =
            |url: &str| taken_apart(&url.into()).map(|(authority, path)| format!("{authority} {path}"));
        assert_eq!(apart("http://a:81/x?y#z").as_deref(), Some("a:81 /x?y"));
        assert_eq!(apart("http://a").as_deref(), Some("a:80 /"));
        assert_eq!(apart("http://[::1]?q").as_deref(), Some("[::1]:80 /?q"));
        for bad in ["a:80/", "https://a/", "http:///x", "http://a/b c", "http://a:b/"] {
            assert_eq!(apart(bad), None, "{bad}");
        }
    }
}
