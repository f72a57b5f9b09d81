//! Codes of nodes: what may stand where, and how often.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::colon",
        "a node name with a colon at its end",
        "In quotes a colon is part of the name. Nodes have no colon behind their names.",
    )
    .example(
        r##"
        service "web" {
            "command:" "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::command-and-shell",
        "a service with a `command` and a `shell`",
        "Both say what to run: `command` a program with its arguments, `shell` a text for `/bin/sh -c`. A service \
         runs one of them.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            shell "./web | tee web.log"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::duplicate-property",
        "a property, port or variable that is given twice",
        "KDL lets the last one win without a word. Two values for one name are a mistake more often than not, so \
         both are shown.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env MODE=debug MODE=release
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env MODE=release
        }
        "##,
    ),
    Rule::error(
        "svc::empty-command",
        "a command without a program",
        "The text of the command is empty or blank.",
    )
    .example(
        r##"
        service "web" {
            command ""
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::missing",
        "a node without something that it needs",
        "A service needs a name and something to run, a probe something to ask, a list at least one value.",
    )
    .example(
        r##"
        service "web" {
            description "the front"
        }
        "##,
        r##"
        service "web" {
            description "the front"
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::probe-kind",
        "a probe that asks more than one thing, or what cannot be asked again",
        "A probe asks one thing. `notify`, `log` and `fd` are said once by the service, so they can tell its \
         `readiness` and nothing that has to be asked again. `header` and `expect` belong to `http`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            liveness log="still alive"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            liveness tcp="127.0.0.1:8080"
        }
        "##,
    ),
    Rule::error(
        "svc::quote-argument",
        "an argument of a command that KDL reads as a property",
        "`--port=8080` without quotes is a property of KDL, named `--port`. An argument with `=` is quoted.",
    )
    .example(
        r##"
        service "web" {
            command "./web" --port=8080
        }
        "##,
        r##"
        service "web" {
            command "./web" "--port=8080"
        }
        "##,
    ),
    Rule::error(
        "svc::repeated-node",
        "a node that may stand there once and stands there twice",
        "Of most nodes a service has one. `env`, `env-file`, `depends-on`, `after`, `before` and `header` may be repeated.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            restart always
            restart never
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
        "svc::reset",
        "a `(reset)` with something behind it",
        "A node that stands there once replaces what is inherited anyway; `(reset)` before it means that nothing is \
         inherited and what is built in holds. Only nodes that are added up, such as `env`, take values behind it.",
    )
    .example(
        r##"
        defaults { restart always }
        service "web" {
            command "./web"
            (reset)restart on-failure
        }
        "##,
        r##"
        defaults { restart always }
        service "web" {
            command "./web"
            restart on-failure
        }
        "##,
    ),
    Rule::error(
        "svc::shell-syntax",
        "something in a `command` that only a shell understands",
        "A command goes to the program word by word; no shell sees it, so `|`, `&`, `;`, `<`, `>`, `$(`, `*` and `~` \
         would reach the program as they are. `shell` runs a text with `/bin/sh -c`.",
    )
    .example(
        r##"
        task "backup" {
            command "pg_dump shop | gzip > shop.sql.gz"
        }
        "##,
        r##"
        task "backup" {
            shell "pg_dump shop | gzip > shop.sql.gz"
        }
        "##,
    ),
    Rule::error(
        "svc::surplus-argument",
        "an argument where there should be none, or one too many",
        "The node takes fewer values than it is given. A text with blanks is quoted as a whole.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            restart on-failure 5
        }
        "##,
        r##"
        service "web" {
            command "./web"
            restart on-failure max=5
        }
        "##,
    ),
    Rule::error(
        "svc::surplus-block",
        "a block behind a node that takes none",
        "What the node needs stands behind its name, as values and properties.",
    )
    .example(
        r##"
        service "web" {
            command "./web" { arg "--verbose" }
        }
        "##,
        r##"
        service "web" {
            command "./web" "--verbose"
        }
        "##,
    ),
    Rule::error(
        "svc::unclosed-quote",
        "a quote inside a command that is not closed",
        "One text is split into words by the quoting rules of a shell: `'…'` and `\"…\"` join words, `\\` takes the \
         next character as it is.",
    )
    .example(
        r##"
        service "web" {
            command "./web --title 'the front"
        }
        "##,
        r##"
        service "web" {
            command "./web --title 'the front'"
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-node",
        "a node that is not known there",
        "Nothing in a file is ignored. The name is mistyped, is called otherwise here, or belongs in another block.",
    )
    .example(
        r##"
        service "web" {
            comand "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-property",
        "a property that is not known there",
        "Nothing in a file is ignored. The name is mistyped, is called otherwise here, or belongs to another node.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness tcp="127.0.0.1:8080" interval="1s"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness tcp="127.0.0.1:8080" period="1s"
        }
        "##,
    ),
];
