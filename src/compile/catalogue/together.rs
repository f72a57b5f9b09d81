//! Codes of what services say together: names, edges, and what only one process can have.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::dependency-cycle",
        "services that wait for each other in a circle",
        "None of them can ever start. Every edge of the shortest loop is shown, with the one that costs least to remove.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on api
        }
        service "api" {
            command "./api"
            depends-on web
        }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on api
        }
        service "api" {
            command "./api"
        }
        "##,
    ),
    Rule::warning(
        "svc::disabled-dependency",
        "a service that needs a disabled one",
        "What a service depends on is started with it, also when it is disabled. That is probably not what `disabled` \
         was written for.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on db
        }
        service "db" {
            command "./db"
            disabled
        }
        "##,
        r##"
        service "web" {
            command "./web"
            after db
        }
        service "db" {
            command "./db"
            disabled
        }
        "##,
    ),
    Rule::warning(
        "svc::duplicate-edge",
        "the same order between two services, said twice",
        "One `after` or `before` is enough.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            after db
        }
        service "db" {
            command "./db"
            before web
        }
        "##,
        r##"
        service "web" {
            command "./web"
            after db
        }
        service "db" {
            command "./db"
        }
        "##,
    ),
    Rule::error(
        "svc::duplicate-member",
        "a service that a group names twice",
        "A group holds each of its services once.",
    )
    .example(
        r##"
        group "frontend" web api web
        service "web" { command "./web" }
        service "api" { command "./api" }
        "##,
        r##"
        group "frontend" web api
        service "web" { command "./web" }
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::duplicate-name",
        "two services or tasks with one name",
        "Services and tasks share their names, in all files of a project: a name is what they are called on the command \
         line and in `depends-on`.",
    )
    .example(
        r##"
        service "web" { command "./web" }
        task "web" { command "./migrate" }
        "##,
        r##"
        service "web" { command "./web" }
        task "migrate" { command "./migrate" }
        "##,
    ),
    Rule::error(
        "svc::impossible-condition",
        "a condition that the dependency can never meet",
        "`healthy` needs a `readiness` in the dependency, `log-ready` one with `log=`, and `completed` a task, since a \
         service is meant to keep running. Whoever waits would wait for ever.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on db=healthy
        }
        service "db" { command "./db" }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on db=healthy
        }
        service "db" {
            command "./db"
            readiness tcp="127.0.0.1:5432"
        }
        "##,
    ),
    Rule::error(
        "svc::log-clash",
        "two processes that would write one log file",
        "Each process writes and rotates its own file. `${SVC_NAME}` and `${SVC_INSTANCE}` in the path make it one.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            replicas 2
            logs "web.log"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            replicas 2
            logs "${SVC_INSTANCE}.log"
        }
        "##,
    ),
    Rule::error(
        "svc::no-free-port",
        "no port is left for `auto`",
        "`port auto` is a free port from 20000 to 29999: below those that Linux gives to connections, so that none of \
         them takes the port of a service that is being restarted. All of them are given to others of this project, \
         or somebody listens on them.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port auto
            replicas 10001
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port auto
            replicas 1000
        }
        "##,
    ),
    Rule::error(
        "svc::port-clash",
        "two instances with one port",
        "A port belongs to one process. Replicas count up from the port that is written, so they need that many in a row.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port 8080
            replicas 3
        }
        service "api" {
            command "./api"
            port 8082
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port 8080
            replicas 3
        }
        service "api" {
            command "./api"
            port 8083
        }
        "##,
    ),
    Rule::error(
        "svc::port-range",
        "more replicas than there are ports from the first one on",
        "Replicas count up from the port that is written, and the last port is 65535.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port 65530
            replicas 10
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port 8080
            replicas 10
        }
        "##,
    ),
    Rule::warning(
        "svc::profile-dependency",
        "a dependency that is only in other profiles",
        "A service that belongs to profiles is started while one of them is active. Something that depends on it and is \
         started without them starts it all the same, which is seldom what the profile is for.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on db
        }
        service "db" {
            command "./db"
            profile dev
        }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on db
            profile dev
        }
        service "db" {
            command "./db"
            profile dev
        }
        "##,
    ),
    Rule::error(
        "svc::self-dependency",
        "a service that waits for itself",
        "It could never start.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on web
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::stop-budget",
        "a complete stop that may take longer than there is time",
        "Said with `svc check --stop-budget DURATION`. What stops svc, such as a container engine or an init, kills it \
         after a while, and all services with it. A service stops after those that depend on it, so grace periods of a \
         chain add up; the longest chain is shown.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on api
        }
        service "api" {
            command "./api"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on api
            stop grace="3s"
        }
        service "api" {
            command "./api"
            stop grace="6s"
        }
        "##,
    )
    .flags("--stop-budget 10s"),
    Rule::error(
        "svc::too-many-edges",
        "replicas with more relations between them than svc takes",
        "Every replica of a service waits for every replica of its dependency, so their numbers multiply. Up to 16 \
         million of such pairs are taken.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            replicas 5000
            depends-on api
        }
        service "api" {
            command "./api"
            replicas 5000
        }
        "##,
        r##"
        service "web" {
            command "./web"
            replicas 50
            depends-on api
        }
        service "api" {
            command "./api"
            replicas 50
        }
        "##,
    ),
    Rule::error(
        "svc::too-many-instances",
        "more instances than svc takes",
        "All replicas of all services may be a million together.",
    )
    .example(
        r##"
        defaults { shell "exec sleep 1d"; replicas 100000 }
        service "a"; service "b"; service "c"; service "d"; service "e"; service "f"
        service "g"; service "h"; service "i"; service "j"; service "k"
        "##,
        r##"
        defaults { shell "exec sleep 1d"; replicas 100 }
        service "a"; service "b"; service "c"; service "d"; service "e"; service "f"
        service "g"; service "h"; service "i"; service "j"; service "k"
        "##,
    ),
    Rule::error(
        "svc::unknown-dependency",
        "a name of no service or task",
        "`depends-on`, `after` and `before` name services and tasks of the same project, in any of its files.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            depends-on databse
        }
        service "database" { command "./db" }
        "##,
        r##"
        service "web" {
            command "./web"
            depends-on database
        }
        service "database" { command "./db" }
        "##,
    ),
    Rule::error(
        "svc::unknown-member",
        "a group with a member that does not exist",
        "A group is one name for several services and tasks of these files; it does not hold other groups.",
    )
    .example(
        r##"
        group "frontend" web apy
        service "web" { command "./web" }
        service "api" { command "./api" }
        "##,
        r##"
        group "frontend" web api
        service "web" { command "./web" }
        service "api" { command "./api" }
        "##,
    ),
];
