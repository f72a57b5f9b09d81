//! Codes of values: what an argument or a property can be.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::bad-address",
        "a probe of an address that is none",
        "A TCP probe connects to a host and a port: `HOST:PORT`, an IPv6 address in brackets.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness tcp="8080"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness tcp="127.0.0.1:8080"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-duration",
        "a duration that cannot be read",
        "A duration is a text of numbers with units, the largest unit first: `ms`, `s`, `m`, `h`, `d`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            stop grace="10 seconds"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            stop grace="10s"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-header",
        "a name that HTTP does not allow for a header",
        "The name of a header has letters, digits and a few signs, and no blanks or colons.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness http="http://127.0.0.1:8080/" { header "Host:"="shop.example" }
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness http="http://127.0.0.1:8080/" { header Host="shop.example" }
        }
        "##,
    ),
    Rule::error(
        "svc::bad-mode",
        "a file mode that is not octal digits in quotes",
        "Modes are octal, and a number in KDL is decimal whatever zeros it begins with. In quotes it is clear.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            umask 027
        }
        "##,
        r##"
        service "web" {
            command "./web"
            umask "027"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-name",
        "a name with characters that a name cannot have",
        "The name of a service or task has letters, digits, `_` and `-`, and begins with a letter or `_`. `.` and \
         a number name its replicas.",
    )
    .example(
        r##"
        service "web.front" {
            command "./web"
        }
        "##,
        r##"
        service "web-front" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-path",
        "a path that is empty or holds a NUL",
        "No file has such a path. `\".\"` is the folder of the file it is written in.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            working-dir ""
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
        "svc::bad-pattern",
        "a regular expression that cannot be read",
        "`readiness log=` takes a regular expression. What is meant as text needs a backslash before each of \
         `.+*?()[]{}|^$\\`; in a raw string it stands once.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness log="ready ("
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness log=#"ready \("#
        }
        "##,
    ),
    Rule::error(
        "svc::bad-size",
        "a size that cannot be read",
        "A size is a text of a whole number with a unit: `B`, `K`, `M`, `G` or `T`, which count in steps of 1024.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            logs "web.log" max-size="1.5M"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            logs "web.log" max-size="1536K"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-status",
        "a status that HTTP does not have",
        "A status has three digits, from 100 to 599; a range of them is written with two dots.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness http="http://127.0.0.1:8080/" { expect status="2xx" }
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness http="http://127.0.0.1:8080/" { expect status="200..299" }
        }
        "##,
    ),
    Rule::error(
        "svc::bad-url",
        "a probe of a URL that is none, or that svc cannot ask",
        "An HTTP probe asks a whole URL with `http://`. It speaks no TLS: what is asked is on this machine, and a \
         program can ask everything else.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness http="localhost:8080/health"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness http="http://localhost:8080/health"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-variable",
        "a name that no environment variable can have",
        "The name of a variable has letters, digits and `_`, and does not begin with a digit. Shells and programs \
         cannot use others.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env LOG-LEVEL="debug"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env LOG_LEVEL="debug"
        }
        "##,
    ),
    Rule::error(
        "svc::missing-unit",
        "a duration or size without a unit",
        "Whether 10 are seconds or milliseconds, bytes or megabytes, every tool answers otherwise; here the unit is \
         written.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            stop grace=10
        }
        "##,
        r##"
        service "web" {
            command "./web"
            stop grace="10s"
        }
        "##,
    ),
    Rule::error(
        "svc::no-variables-here",
        "a variable in a text in which none are replaced",
        "`${NAME}` is replaced in what a process is given: `command`, `env`, probes, paths. What svc itself has to \
         know before there are variables, such as names, users and env-files, is written out.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env-file "${HOME}/web.env"
        }
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
        "svc::out-of-range",
        "a number that is too small or too large",
        "The number is none that makes sense here: a port ends at 65535, an exit code at 255, replicas begin at 1.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port 80800
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port 8080
        }
        "##,
    ),
    Rule::error(
        "svc::type-annotation",
        "a type annotation, which means nothing there",
        "KDL allows `(type)` before any value and node. svc knows the type of every value, and refuses what it would \
         have to ignore.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port (u16)8080
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port 8080
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-signal",
        "a signal that Linux does not have",
        "Signals are named as signal(7) names them, with or without `SIG`, or by their number.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            stop signal=SIGTREM
        }
        "##,
        r##"
        service "web" {
            command "./web"
            stop signal=SIGTERM
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-word",
        "a word that is none of those possible there",
        "The value is one of a few words, and this is none of them.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            restart unless-stopped
        }
        "##,
        r##"
        service "web" {
            command "./web"
            restart always
        }
        "##,
    ),
    Rule::error(
        "svc::wrong-type",
        "a value of another type than the one needed",
        "A text stands where a number is needed, a number where a text is, or a word where `#true` or `#false` is. \
         Nothing is converted silently.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            replicas "3"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            replicas 3
        }
        "##,
    ),
];
