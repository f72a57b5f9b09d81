//! How fast the front end reads service files, beside the physical limit: memchr over the same bytes.
//!
//! `cargo bench --bench check`; rows are generated services of about 365 bytes each.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use svc::compile::{Memory, Options};
use svc::diagnostic::Diagnostics;

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
    command "/usr/bin/worker" "--number" "{n}" "--verbose"
    working-dir "/srv/worker"
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
    machine.programs.insert("/usr/bin/worker".into());
    machine.folders.insert("/srv/worker".into());
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
