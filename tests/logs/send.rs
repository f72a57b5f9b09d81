//! Lines that go to a socket besides the log.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use svc::logs::send::{Message, News, Place, QUEUE, Receiver};
use svc::logs::{Channel, Notice, Pump, Report, Settings};

use super::support::{at, pipe, settings};

struct Sending {
    dir: tempfile::TempDir,
    service: fs::File,
    pump: Pump,
}

impl Sending {
    fn new(to: impl FnOnce(&Path) -> Place, message: Message, channel: Channel) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (read, service) = pipe();
        let receiver = Receiver {
            to: to(dir.path()),
            message,
            instance: "web.0".to_owned(),
            apart: channel == Channel::Err,
        };
        let settings = Settings { receivers: vec![receiver], ..settings(&dir.path().join("x.log"), 0, 0) };
        Self { dir, service, pump: Pump::of(read, settings, channel) }
    }

    fn unix(message: Message, channel: Channel) -> Self {
        Self::new(|dir| Place::Unix(dir.join("socket")), message, channel)
    }

    fn say(&mut self, bytes: &[u8], ms: i64) -> Report {
        use std::io::Write as _;
        self.service.write_all(bytes).expect("the pipe takes it");
        self.pump.drain(at(ms))
    }

    fn bind(&self) -> UnixDatagram {
        let socket = UnixDatagram::bind(self.dir.path().join("socket")).expect("can be bound");
        socket.set_nonblocking(true).expect("can be set");
        socket
    }
}

fn received(socket: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 64 * 1024];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn news(report: &Report) -> String {
    let shown = report.notices.iter().map(|notice| match notice {
        Notice::Sending(News::Stuck { source, .. }) => format!("stuck: {source}"),
        Notice::Sending(News::Sent { dropped, .. }) => format!("sent again, {dropped} dropped"),
        other => format!("{other:?}"),
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_line_is_one_datagram_in_the_form_that_is_asked_for() {
    let said = |message, channel| {
        let mut bench = Sending::unix(message, channel);
        let socket = bench.bind();
        let _ = bench.say(b"first\r\n\nsec", 0);
        let _ = bench.say(b"ond\nunfinished", 10);
        bench.pump.end_line(at(20));
        let lines: Vec<String> = std::iter::from_fn(|| received(&socket)).collect();
        assert_eq!(
            fs::read(bench.dir.path().join("x.log")).expect("exists"),
            b"first\r\n\nsecond\nunfinished"
        );
        lines
    };
    assert_eq!(said(Message::Raw, Channel::Out), ["first", "second", "unfinished"]);
    let json = said(Message::Json, Channel::Err);
    assert_eq!(
        json[1],
        r#"{"time":"2023-11-14T22:13:20.010Z","instance":"web.0","stream":"stderr","message":"second"}"#
    );
    let syslog = said(Message::Syslog, Channel::Err);
    assert!(syslog[0].starts_with("<28>1 2023-11-14T22:13:20.000Z "), "{syslog:?}");
    assert!(syslog[0].ends_with(" web.0 - - - first"), "{syslog:?}");
    let local = said(Message::Local, Channel::Out);
    assert!(local[0].starts_with("<30>Nov 1") && local[0].ends_with(" web.0: first"), "{local:?}");
}

#[test]
fn datagrams_go_to_an_address_too() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("can be bound");
    let address = socket.local_addr().expect("is bound");
    let mut bench = Sending::new(|_| Place::Udp(address), Message::Raw, Channel::Out);
    let _ = bench.say(b"over the network\n", 0);
    let mut buffer = [0; 100];
    let length = socket.recv(&mut buffer).expect("arrives");
    assert_eq!(&buffer[..length], b"over the network");
}

#[test]
fn a_receiver_that_starts_again_gets_what_waited_and_the_rest_is_counted() {
    let mut bench = Sending::unix(Message::Raw, Channel::Out);
    let first = bench.say(b"early\n", 0);
    assert_eq!(news(&first), "stuck: No such file or directory (os error 2)");
    assert!(first.send.is_some(), "it comes back by itself");
    let line = format!("{}\n", "x".repeat(1023));
    for _ in 0..70 {
        assert_eq!(news(&bench.say(line.as_bytes(), 10)), "");
    }
    let socket = bench.bind();
    let mut lines = Vec::new();
    let mut last = String::new();
    for turn in 0..1000 {
        let report = bench.pump.drain(at(1_000 + turn * 10));
        lines.extend(std::iter::from_fn(|| received(&socket)));
        last.push_str(&news(&report));
        if report.send.is_none() {
            break;
        }
    }
    let kept = 1 + (QUEUE - "early".len()) / 1023;
    assert_eq!((lines.len(), last), (kept, format!("sent again, {} dropped", 71 - kept)));
    assert_eq!(lines[0], "early");
    let log = fs::metadata(bench.dir.path().join("x.log")).expect("exists");
    assert_eq!(log.len(), 6 + 70 * 1024, "the log has them all");
}
