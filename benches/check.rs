//! How fast the front end reads service files, beside other readers of the same content.
//!
//! `cargo bench --bench check`; rows are generated services of about 365 bytes each. `read` and `compile` are what
//! `svc check` does, `yaml` is what a supervisor with YAML files does before it looks at what they say, `memchr` is
//! the limit. `whole` and `ini` are processes from start to exit: `svc check`, and Python reading what supervisord
//! would, with the reader that supervisord uses; the latter is left out where there is no `python3`.
#![expect(clippy::disallowed_methods, reason = "whole processes are measured, and their files are made here")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use serde::Deserialize;
use svc::compile::{Memory, Options};
use svc::diagnostic::{Diagnostic, Diagnostics, Look, SourceMap, Span};

const SERVICES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// A file of `count` services, each twelve lines with what services usually say.
fn services(count: usize) -> Arc<str> {
    let mut text = String::new();
    for n in 0..count {
        let depends = match n.checked_sub(1) {
            Some(before) => format!("depends-on worker-{before}"),
            None => "success-codes 0".to_owned(),
        };
        write!(
            text,
            r#"service "worker-{n}" {{
    description "worker number {n} of the fleet"
    command "/usr/bin/env" "--number" "{n}" "--verbose"
    working-dir "/srv"
    {depends}
    env {{
        RUST_LOG info
        WORKERS 4
    }}
    readiness http="http://127.0.0.1:8080/healthz" period="1s" timeout="500ms"
    restart on-failure max=5 window="10m"
    stop signal=SIGTERM grace="30s"
}}
"#
        )
        .expect("a String takes everything");
    }
    text.into()
}

#[divan::bench(args = SERVICES)]
fn read(bencher: Bencher<'_, '_>, count: usize) {
    let text = services(count);
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut diagnostics = Diagnostics::default();
        let document = svc::syntax::parse(black_box(&text), 0, &mut diagnostics);
        assert!(diagnostics.is_empty());
        document
    });
}

/// All of `svc check` but reading the file and printing.
#[divan::bench(args = SERVICES)]
fn compile(bencher: Bencher<'_, '_>, count: usize) {
    let text = services(count);
    let path = PathBuf::from("/shop/services.kdl");
    let mut machine = Memory::default();
    machine.files.insert(path.clone(), text.clone());
    machine.programs.insert("/usr/bin/env".into());
    machine.folders.insert("/srv".into());
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let compiled =
            svc::compile::compile(black_box(std::slice::from_ref(&path)), &machine, Options::default());
        assert!(compiled.plan.is_some() && compiled.diagnostics.is_empty());
        compiled
    });
}

#[divan::bench(args = SERVICES)]
fn memchr(bencher: Bencher<'_, '_>, count: usize) {
    let text = services(count);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| memchr::memchr_iter(b'\n', black_box(text.as_bytes())).count());
}

/// `svc check` as a process.
#[divan::bench(args = SERVICES, sample_count = 15, sample_size = 1)]
fn whole(bencher: Bencher<'_, '_>, count: usize) {
    let text = services(count);
    let (_folder, file) = written("services.kdl", &text);
    let counter = BytesCount::of_str(&text);
    bencher
        .counter(counter)
        .bench(|| run(env!("CARGO_BIN_EXE_svc"), &["check".as_ref(), "-q".as_ref(), &file]));
}

/// The same services as process-compose writes them.
#[derive(Deserialize)]
struct Project {
    processes: BTreeMap<String, Process>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Process {
    description: String,
    command: Vec<String>,
    working_dir: String,
    #[serde(default)]
    depends_on: BTreeMap<String, BTreeMap<String, String>>,
    environment: Vec<String>,
    readiness_probe: BTreeMap<String, BTreeMap<String, String>>,
    availability: BTreeMap<String, String>,
    shutdown: BTreeMap<String, String>,
}

#[divan::bench(args = SERVICES, sample_count = 5, sample_size = 1)]
fn yaml(bencher: Bencher<'_, '_>, count: usize) {
    let mut text = "processes:\n".to_owned();
    for n in 0..count {
        let depends = match n.checked_sub(1) {
            Some(before) => format!("worker-{before}: {{ condition: process_healthy }}"),
            None => String::new(),
        };
        write!(
            text,
            r#"  worker-{n}:
    description: worker number {n} of the fleet
    command: ["/usr/bin/env", "--number", "{n}", "--verbose"]
    working_dir: /srv
    depends_on: {{ {depends} }}
    environment:
      - RUST_LOG=info
      - WORKERS=4
    readiness_probe:
      http_get: {{ host: 127.0.0.1, port: "8080", path: /healthz, period: 1s, timeout: 500ms }}
    availability: {{ restart: on_failure, max_restarts: "5", window: 10m }}
    shutdown: {{ signal: SIGTERM, timeout: 30s }}
"#
        )
        .expect("a String takes everything");
    }
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        // Limits against hostile files are not what is measured.
        let mut options = serde_saphyr::Options::default();
        options.budget = None;
        let project: Project = serde_saphyr::from_str_with_options(black_box(&text), options)
            .expect("what is written here can be read");
        assert_eq!(project.processes.len(), count);
        project
    });
}

/// The same services as supervisord's file says them, read by Python.
#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 3, sample_size = 1)]
fn ini(bencher: Bencher<'_, '_>, count: usize) {
    const READ: &str = "import configparser, sys\n\
                        ini = configparser.RawConfigParser()\n\
                        ini.read(sys.argv[1])\n\
                        assert len(ini.sections()) == int(sys.argv[2])";
    let mut text = String::new();
    for n in 0..count {
        write!(
            text,
            r#"[program:worker-{n}]
; worker number {n} of the fleet
command=/usr/bin/env --number {n} --verbose
directory=/srv
priority={n}
environment=RUST_LOG="info",WORKERS="4"
startsecs=1
autorestart=unexpected
startretries=5
stopsignal=TERM
stopwaitsecs=30

"#
        )
        .expect("a String takes everything");
    }
    let (_folder, file) = written("supervisord.conf", &text);
    let count = count.to_string();
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        return;
    }
    let arguments = ["-c".as_ref(), READ.as_ref(), file.as_path(), count.as_ref()];
    bencher.counter(BytesCount::of_str(&text)).bench(|| run("python3", &arguments));
}

/// Drawing findings for a person who asked for all of them.
#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 10, sample_size = 1)]
fn draw(bencher: Bencher<'_, '_>, count: usize) {
    let text = services(count);
    let mut map = SourceMap::default();
    map.add("services.kdl", text.clone()).expect("small");
    let mut findings = Diagnostics::default();
    for (at, word) in text.match_indices("depends-on") {
        let span = Span::new(at as u32, (at + word.len()) as u32);
        let finding = Diagnostic::error("svc::unknown-node", span, format!("there is no node `{word}`"));
        findings.push(finding.here("this").help("did you mean `after`?").fix(span, "after"));
    }
    let look = Look { limit: usize::MAX, ..Look::default() };
    bencher.bench(|| {
        let mut out = String::new();
        svc::diagnostic::human(&mut out, &findings, &map, &look).expect("a String takes everything");
        out
    });
}

/// Writes a file into a folder of its own, which lives as long as what is returned.
fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("writable");
    (folder, file)
}

fn run(program: &str, arguments: &[&Path]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().expect("it starts");
    assert!(status.success(), "{program}: {status}");
}
