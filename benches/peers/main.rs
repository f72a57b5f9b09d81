//! svc beside supervisord and the bare system, in one run: `cargo bench --bench peers`.
//!
//! Every peer runs the same program (`tiny.c`), which reports its first instruction with its own clock
//! through a FIFO. Figures are medians of three on a tmpfs. A machine is noisy and figures age: the ratios
//! of one run are the result. It asserts nothing about times.
//!
//! `--only ROW` (may be repeated) runs some rows, `--quick` takes smaller numbers and one repetition, `--svc FILE`
//! measures another binary. A peer that is not on this machine is left out and named.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement reads clocks, starts processes, waits and prints"
)]

mod bench;
mod peer;
mod reports;
mod row;

use std::path::PathBuf;

use crate::bench::Bench;
use crate::row::ROWS;

const USAGE: &str = "usage: cargo bench --bench peers -- [--quick] [--only ROW]... [--svc FILE]";

fn main() {
    let (mut only, mut quick) = (Vec::new(), false);
    let mut svc = PathBuf::from(env!("CARGO_BIN_EXE_svc"));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => quick = true,
            "--only" => only.push(args.next().expect(USAGE)),
            "--svc" => svc = args.next().expect(USAGE).into(),
            _ => return eprintln!("{USAGE}"),
        }
    }
    let names: Vec<_> = ROWS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        return eprintln!("there is no row `{unknown}`; there are {}", names.join(", "));
    }
    let bench = match Bench::new(svc, quick) {
        Ok(bench) => bench,
        Err(error) => return eprintln!("cannot measure here: {error}"),
    };
    println!("{}\n", bench.machine());
    println!("| | bare | supervisord | svc | svc / bare | supervisord / svc |");
    println!("|---|---|---|---|---|---|");
    for (name, run) in ROWS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            run(&bench);
        }
    }
}
