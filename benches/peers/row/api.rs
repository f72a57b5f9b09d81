//! Cheap questions one after the other on one connection.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::bench::Bench;
use crate::peer::{Peer, Running, Services};
use crate::reports::now;

const CALL: &str =
    "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName></methodCall>";

pub(crate) fn run(bench: &Bench) {
    for count in [100, 1000] {
        bench.row(&format!("API on one connection, {count} services"), "/s", |peer| {
            let asked = match peer {
                Peer::Bare => return None,
                Peer::Svc => "GET /v1/project HTTP/1.1\r\nHost: bench\r\n\r\n".to_owned(),
                Peer::Supervisord => format!(
                    "POST /RPC2 HTTP/1.1\r\nHost: bench\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{CALL}",
                    CALL.len()
                ),
            };
            let running = Running::up(bench, peer, &Services::pausing(count, true));
            Some(ask(&running.socket(), asked.as_bytes(), bench.choose(2, 1) as f64))
        });
    }
}

/// Returns how many questions a second were answered.
fn ask(socket: &Path, asked: &[u8], seconds: f64) -> f64 {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    let mut answers = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    let (begin, mut count) = (now(), 0);
    while now() < begin + seconds {
        stream.write_all(asked).expect("it reads");
        read(&mut answers);
        count += 1;
    }
    f64::from(count) / (now() - begin)
}

/// Reads one answer.
fn read(answers: &mut impl BufRead) {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        answers.read_line(&mut line).expect("an answer");
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line.is_empty() {
            break;
        }
    }
    answers.read_exact(&mut vec![0; length]).expect("the whole answer");
}
