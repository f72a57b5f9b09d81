//! argv to exit code.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "the environment is read once, here, and handed down")]
fn main() -> ExitCode {
    let surroundings = svc::cli::Surroundings {
        variables: std::env::vars_os().collect(),
        directory: std::env::current_dir().ok(),
    };
    let args: Vec<OsString> = std::env::args_os().collect();
    let entries = || surroundings.variables.iter().filter_map(entry).collect();
    if let Some(code) = svc::guard::start::main(&args, entries) {
        return code.into();
    }
    if let Some(code) = svc::cli::engine::main(&args) {
        return code.into();
    }
    let machine = svc::cli::machine::Machine::claim();
    let exit = svc::cli::main(args, &surroundings);
    if let Some(machine) = machine {
        machine.end(exit);
    }
    exit.into()
}

/// A variable as a new process is given it.
fn entry((key, value): &(OsString, OsString)) -> Option<CString> {
    CString::new([key.as_bytes(), b"=", value.as_bytes()].concat()).ok()
}
