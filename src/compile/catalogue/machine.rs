//! Codes of what is, or is not, on the machine.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::bad-env-file",
        "a line of an env-file that is no `NAME=value`",
        "An env-file has one variable a line, `NAME=value`, with or without `export`; values in quotes may span lines, \
         and a comment begins with `#`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env-file "web.env"
        }
        --- web.env ---
        DEBUG: 1
        "##,
        r##"
        service "web" {
            command "./web"
            env-file "web.env"
        }
        --- web.env ---
        DEBUG=1
        "##,
    ),
    Rule::error(
        "svc::cannot-start",
        "a process that could not be started",
        "Said by `svc up`, at the place in the file that makes it impossible: the program, the working directory, the \
         user. The message says which step failed and what the kernel answered.",
    )
    .no_example("it is found when a process is started"),
    Rule::error(
        "svc::env-file",
        "an env-file that cannot be read",
        "The file is not there, may not be read or is no UTF-8. Paths are relative to the file they are written in. One \
         that may be missing is marked with `optional=#true`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env-file ".env"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env-file ".env" optional=#true
        }
        "##,
    ),
    Rule::warning(
        "svc::missing-program",
        "a program that is not there",
        "There is no executable file of that name, at its path or in the `PATH` of the service. It is a warning, since a \
         task may still make it; with `--strict-paths` it is an error.",
    )
    .example(
        r##"
        service "web" {
            command "./wbe"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::warning(
        "svc::missing-working-dir",
        "a working directory that is not there",
        "The process could not be started in it. It is a warning, since a task may still make it; with `--strict-paths` \
         it is an error.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            working-dir "/srv/nowhere"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            working-dir "."
        }
        "##,
    ),
    Rule::error(
        "svc::not-yet",
        "something right that this version cannot run",
        "The whole language is known to `svc check`, and some of it cannot be run yet. `svc up` refuses such a file instead of \
         ignoring a part of it.",
    )
    .no_example("nothing is wrong with the file"),
    Rule::error(
        "svc::unknown-account",
        "a user or group that this machine does not have",
        "The name is in neither the user nor the group database of this machine. A number in quotes needs no account.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            user "nobdy"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            user "nobody"
        }
        "##,
    ),
];
