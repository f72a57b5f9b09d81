//! Codes of how processes are made, when they run by themselves, and how svc is reached.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::bad-cron",
        "a cron line that cannot be read, or never comes",
        "Five fields say when: minute, hour, day of the month, month, day of the week, as in crontab(5). The wrong one is underlined. There is no field for seconds: `every` is for what comes more often than once a minute.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 25 * * *"
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 23 * * *"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-glob",
        "a pattern of paths that cannot be read",
        "In a pattern `*` stands for part of a name, `**` for any folders, `?` for one character and `[a-z]` for one of several.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            watch "src" ignore="[*.log"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            watch "src" ignore="*.log"
        }
        "##,
    ),
    Rule::error(
        "svc::bad-password-hash",
        "a password hash that is none",
        "A service file is read by more people than should know the password, so it holds a hash: `$argon2id$…`, as argon2(1) makes it, or supervisord's `{SHA}…`.",
    )
    .example(
        r##"
        control {
            http "127.0.0.1:9001" {
                user "admin" password-hash="secret"
            }
        }
        "##,
        r##"
        control {
            http "127.0.0.1:9001" {
                user "admin" password-hash="{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d"
            }
        }
        "##,
    ),
    Rule::error(
        "svc::bad-replica-name",
        "a name for replicas without a place for the number",
        "Each replica needs a name of its own. `%d` in the pattern is its number, `%02d` its number with at least two digits.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            replicas 3 name="web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            replicas 3 name="web_%02d"
        }
        "##,
    ),
    Rule::error(
        "svc::descriptor-clash",
        "readiness on a descriptor that is a socket",
        "The sockets of `listen` are passed from descriptor 3 on, in the order of the file. Readiness is announced on one \
         behind them.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            listen tcp="127.0.0.1:8080"
            readiness fd=3
        }
        "##,
        r##"
        service "web" {
            command "./web"
            listen tcp="127.0.0.1:8080"
            readiness fd=4
        }
        "##,
    ),
    Rule::error(
        "svc::instance-clash",
        "an instance with the name of something else",
        "The names of services and of all instances are one set: a pattern for replicas must not make one that is there already.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            replicas 3 name="api%d"
        }
        service "api1" {
            command "./api"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            replicas 3 name="web%d"
        }
        service "api1" {
            command "./api"
        }
        "##,
    ),
    Rule::error(
        "svc::limit-too-low",
        "a limit under which nothing starts",
        "With so little no program comes as far as its first instruction, and that would look like a crash. A unit may be missing or wrong.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            limits memory="512B"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            limits memory="512M"
        }
        "##,
    ),
    Rule::error(
        "svc::logs-time-twice",
        "timestamps in lines that have their time anyway",
        "With `format=json` a line of the log is an object with its time; there is no second place for one.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            logs "web.log" format=json timestamps=#true
        }
        "##,
        r##"
        service "web" {
            command "./web"
            logs "web.log" format=json
        }
        "##,
    ),
    Rule::error(
        "svc::logs-without-file",
        "something about a log file where there is none",
        "With `none` or `inherit` svc never sees the output, so nothing of it can be rotated, rewritten or sent elsewhere.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            logs none max-size="1M"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            logs "web.log" max-size="1M"
        }
        "##,
    ),
    Rule::error(
        "svc::mode-without-file",
        "a file mode of something that is no file",
        "Only a Unix socket is a file, with a mode that says who may connect.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            listen tcp="127.0.0.1:8080" mode="0660"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            listen unix="run/web.sock" mode="0660"
        }
        "##,
    ),
    Rule::error(
        "svc::one-of",
        "two of several properties that exclude each other",
        "The node is about one thing, and each of these properties says another one.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            listen tcp="127.0.0.1:8080" unix="run/web.sock"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            listen tcp="127.0.0.1:8080"
            listen unix="run/web.sock"
        }
        "##,
    ),
    Rule::warning(
        "svc::open-control",
        "control of all services for everybody",
        "Whoever can reach svc can start and stop everything and read every log. This opens it to more people than were probably meant.",
    )
    .example(
        r##"
        control {
            http "0.0.0.0:9001"
        }
        "##,
        r##"
        control {
            http "127.0.0.1:9001"
        }
        "##,
    ),
    Rule::error(
        "svc::pid-file-clash",
        "two services with one pid file",
        "A service that puts itself into the background is found by the number in its file. With one file for two, one of them would be taken for the other.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            forks pid-file="run/web.pid"
        }
        service "api" {
            command "./api"
            forks pid-file="run/web.pid"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            forks pid-file="run/web.pid"
        }
        service "api" {
            command "./api"
            forks pid-file="run/api.pid"
        }
        "##,
    ),
    Rule::error(
        "svc::reload-kind",
        "a reload by a signal and by a command",
        "A service is told to read its configuration again in one way.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            reload signal=SIGHUP command="./web --reload"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            reload signal=SIGHUP
        }
        "##,
    ),
    Rule::warning(
        "svc::repeated-event",
        "an event that is covered by another one",
        "An event is told once, however many of the words cover it: `PROCESS_STATE` is every event that begins so.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            event-listener PROCESS_STATE PROCESS_STATE_FATAL
        }
        "##,
        r##"
        service "web" {
            command "./web"
            event-listener PROCESS_STATE
        }
        "##,
    ),
    Rule::error(
        "svc::schedule-and-every",
        "a task with a `schedule` and an `every`",
        "Both say when a task runs by itself: `schedule` by the calendar, `every` at intervals. A task has one of them.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 3 * * *"
            every "1h"
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 3 * * *"
        }
        "##,
    ),
    Rule::error(
        "svc::scheduled-replicas",
        "a scheduled task with replicas",
        "When its time comes a task runs once. Several of them at the same time are several tasks.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            schedule "@daily"
            replicas 2
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            schedule "@daily"
        }
        "##,
    ),
    Rule::error(
        "svc::service-only",
        "something that only a service can have",
        "A task ends by itself, so it neither goes on in the background nor waits for events nor is told to reload.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            reload signal=SIGHUP
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            timeout "10m"
        }
        "##,
    ),
    Rule::error(
        "svc::service-schedule",
        "a service with a schedule",
        "A service runs all the time, so there is no time at which it would begin. What runs at certain times and ends is a task.",
    )
    .example(
        r##"
        service "clean" {
            command "./web"
            every "1h"
        }
        "##,
        r##"
        task "clean" {
            command "./web"
            every "1h"
        }
        "##,
    ),
    Rule::error(
        "svc::socket-clash",
        "a socket that two services would listen on",
        "Only one of them can open it. An address of the whole machine, `0.0.0.0` or `[::]`, takes in every other address with that port. The replicas of one service share a socket.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            listen tcp="0.0.0.0:8080"
        }
        service "api" {
            command "./api"
            port 8080
        }
        "##,
        r##"
        service "web" {
            command "./web"
            listen tcp="0.0.0.0:8080"
        }
        service "api" {
            command "./api"
            port 8081
        }
        "##,
    ),
    Rule::error(
        "svc::stdin-clash",
        "two things that would be stdin",
        "A process has one stdin: a socket that is passed as it, the terminal, or the events of a listener.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            listen unix="run/web.sock" as=stdin
            tty
        }
        "##,
        r##"
        service "web" {
            command "./web"
            listen unix="run/web.sock" as=stdin
        }
        "##,
    ),
    Rule::error(
        "svc::terminal-clash",
        "two services with the terminal",
        "There is one terminal, and what is typed goes to one process.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            tty
        }
        service "api" {
            command "./api"
            tty
        }
        "##,
        r##"
        service "web" {
            command "./web"
            tty
        }
        service "api" {
            command "./api"
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-event",
        "an event that there is not",
        "Event listeners are told of supervisord's events, in its words.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            event-listener PROCESS_STATE_FATEL
        }
        "##,
        r##"
        service "web" {
            command "./web"
            event-listener PROCESS_STATE_FATAL
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-zone",
        "a time zone that there is not",
        "Time zones are named as in the IANA database: a continent and a city, or `UTC`. Abbreviations such as `PST` do not say when clocks change.",
    )
    .example(
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 3 * * *" timezone="Europe/Berln"
        }
        "##,
        r##"
        task "migrate" {
            command "./migrate"
            schedule "0 3 * * *" timezone="Europe/Berlin"
        }
        "##,
    ),
    Rule::error(
        "svc::watch-own-log",
        "a service that watches its own log",
        "Every line it writes would be a change that restarts it, which writes lines again.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            logs "src/web.log"
            watch "src"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            logs "src/web.log"
            watch "src" ignore="*.log"
        }
        "##,
    ),
    Rule::error(
        "svc::watch-without-reload",
        "a change that reloads what cannot be reloaded",
        "`watch` with `action=reload` does what `reload` says, and there is no `reload`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            watch "web.conf" action=reload
        }
        "##,
        r##"
        service "web" {
            command "./web"
            watch "web.conf" action=reload
            reload signal=SIGHUP
        }
        "##,
    ),
];
