//! Codes of templates and of files that are laid over others.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::overlay-kind",
        "a service that a file laid over it makes a task, or the other way round",
        "A file that is laid over another changes what a service does, not what it is: whether something should keep \
         running or end decides what everything else about it means.",
    )
    .example(
        r##"
        service "web" { command "./web" }
        --- services.override.kdl ---
        task "web" { env MODE=debug }
        "##,
        r##"
        service "web" { command "./web" }
        --- services.override.kdl ---
        service "web" { env MODE=debug }
        "##,
    ),
    Rule::error(
        "svc::template-cycle",
        "templates that extend each other in a circle",
        "A template has what the one it extends says. In a circle nothing lies at the bottom; every link of it is \
         shown, and one of them has to go.",
    )
    .example(
        r##"
        template "node" extends=app { stop grace="20s" }
        template "app" extends=node { restart always }
        service "web" extends=app { command "./web" }
        "##,
        r##"
        template "node" { stop grace="20s" }
        template "app" extends=node { restart always }
        service "web" extends=app { command "./web" }
        "##,
    ),
    Rule::error(
        "svc::template-depth",
        "templates that extend each other more than 32 in a row",
        "A template may extend one that extends a third, and so on; past 32 nobody finds their way. Merge some of \
         them into one.",
    )
    .no_example("it takes thirty-four templates"),
    Rule::error(
        "svc::unknown-template",
        "an `extends` that names no template",
        "`extends` takes the name of a `template` of these files, wherever it stands in them.",
    )
    .example(
        r##"
        template "node-app" { stop grace="20s" }
        service "web" extends=node-ap { command "./web" }
        service "api" extends=node-app { command "./api" }
        "##,
        r##"
        template "node-app" { stop grace="20s" }
        service "web" extends=node-app { command "./web" }
        service "api" extends=node-app { command "./api" }
        "##,
    ),
    Rule::warning(
        "svc::unused-template",
        "a template that nothing extends",
        "A template by itself runs nothing. One that nothing extends was forgotten, or its name is misspelled where \
         it was meant.",
    )
    .example(
        r##"
        template "node-app" { stop grace="20s" }
        service "web" { command "./web" }
        "##,
        r##"
        template "node-app" { stop grace="20s" }
        service "web" extends=node-app { command "./web" }
        "##,
    ),
];
