//! argv to exit code.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "the environment is read once, here, and handed down")]
fn main() -> ExitCode {
    let surroundings = svc::cli::Surroundings {
        variables: std::env::vars_os().collect(),
        directory: std::env::current_dir().ok(),
    };
    svc::cli::main(std::env::args_os().collect(), &surroundings).into()
}
