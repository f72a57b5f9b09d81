//! Codes of one service by itself: what its nodes mean together.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::backoff-limit",
        "a longest delay below the first one",
        "`backoff` begins with its first delay and grows up to `limit`, so the limit is at least as long.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            backoff "5s" limit="1s"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            backoff "1s" limit="5s"
        }
        "##,
    ),
    Rule::error(
        "svc::duplicate-dependency",
        "a dependency that one service names twice",
        "Each dependency has one condition. Two lines about the same one would say two things.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on db
            depends-on db=started
        }
        service "db" { command "./db" }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on db=started
        }
        service "db" { command "./db" }
        "##,
    ),
    Rule::error(
        "svc::malformed-variable",
        "a `${` that begins no variable",
        "A variable is `${NAME}`, `${NAME:-default}` or `${NAME:?message}`. Where `${` is meant as text, it is \
         written `$${`.",
    )
    .example(
        r##"
        service "web" {
            command "./web" "--home=${HOME-/srv}"
        }
        "##,
        r##"
        service "web" {
            command "./web" "--home=${HOME:-/srv}"
        }
        "##,
    ),
    Rule::warning(
        "svc::probe-timeout",
        "an attempt of a probe that may take longer than the time between two",
        "Attempts do not overlap: one that takes longer than the `period` delays the next, so that a failure is found \
         later than the numbers say.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            liveness tcp="127.0.0.1:8080" period="1s" timeout="5s"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            liveness tcp="127.0.0.1:8080" period="5s" timeout="1s"
        }
        "##,
    ),
    Rule::error(
        "svc::reserved-name",
        "a service with a name that means something else on the command line",
        "`svc stop all` means every service, so none can be called `all`.",
    )
    .example(
        r##"
        service "all" { command "./web" }
        "##,
        r##"
        service "everything" { command "./web" }
        "##,
    ),
    Rule::warning(
        "svc::reserved-variable",
        "a variable that svc sets itself",
        "`SVC_NAME`, `SVC_INSTANCE`, `SVC_REPLICA`, `PORT` and their like are told by svc and cannot be given another value.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env SVC_NAME="front"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env NAME="front"
        }
        "##,
    ),
    Rule::error(
        "svc::service-timeout",
        "a `timeout` in a service",
        "A `timeout` is how long a task may take. A service should keep running; how long it may take to become ready \
         is its `start-timeout`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            timeout "30s"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            start-timeout "30s"
        }
        "##,
    ),
    Rule::error(
        "svc::task-restart",
        "a task with `restart always`",
        "A task ends, and what depends on it waits for that. Started again after every end, it would never be complete.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            restart always
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            restart on-failure max=3
        }
        "##,
    ),
    Rule::error(
        "svc::undefined-variable",
        "a variable without a value",
        "`${NAME}` has to have a value, in the environment of svc, in an env-file or in `env`. With `:-` it has a \
         default, with `:?` a message of its own.",
    )
    .example(
        r##"
        service "web" {
            command "./web" "--token=${TOKEN}"
        }
        "##,
        r##"
        service "web" {
            command "./web" "--token=${TOKEN:-none}"
        }
        "##,
    ),
    Rule::warning(
        "svc::unreachable-max",
        "a `restart max` that can never be reached",
        "`max` restarts have to happen within `window`, and the delays between them alone take longer. The service \
         would be restarted for ever.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            restart on-failure max=50 window="1m"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            restart on-failure max=5 window="1m"
        }
        "##,
    ),
    Rule::error(
        "svc::variable-cycle",
        "variables that are made of each other in a circle",
        "Each waits for the value of the next. A variable that uses its own name is no circle: it means the value it \
         had before.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env A="${B}" B="${A}"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env A="1" B="${A}"
        }
        "##,
    ),
];
