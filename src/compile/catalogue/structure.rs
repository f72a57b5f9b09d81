//! Codes of reading KDL: nodes, properties, blocks and included files.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::after-block",
        "something behind a block on the same line",
        "A block is the last thing of its node. What follows it is another node, on a line of its own or behind \
         a `;`; what belongs to the node stands before the `{`.",
    )
    .example(
        r##"
        service "web" { command "./web" } service "api" { command "./api" }
        "##,
        r##"
        service "web" { command "./web" }
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::bad-include",
        "an `include` that names no file",
        "`include` takes paths and patterns, relative to the file it stands in, and nothing else.",
    )
    .example(
        r##"
        include
        service "web" { command "./web" }
        "##,
        r##"
        include "api.kdl"
        service "web" { command "./web" }
        --- api.kdl ---
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::bad-node-name",
        "a node whose name cannot be one",
        "The first thing on a line is the name of a node, and a number or keyword is no name without quotes. \
         Often the line belongs to the one above.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port 8080
            9090
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port 8080 admin=9090
        }
        "##,
    ),
    Rule::error(
        "svc::bad-property-name",
        "a property whose name cannot be one",
        "Before the `=` of a property stands a name; a number or keyword is one in quotes only.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            port 8080=http
        }
        "##,
        r##"
        service "web" {
            command "./web"
            port http=8080
        }
        "##,
    ),
    Rule::error(
        "svc::bad-slashdash",
        "a `/-` with nothing behind it",
        "`/-` comments out the node, argument, property or block that follows it. To comment out a line of text \
         use `//`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            /-
        }
        "##,
        r##"
        service "web" {
            command "./web"
            /-disabled
        }
        "##,
    ),
    Rule::error(
        "svc::bad-type",
        "parentheses that are no type annotation",
        "`(name)` before a node or a value is a type annotation of KDL. A text that holds a parenthesis is quoted.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            description (the front)
        }
        "##,
        r##"
        service "web" {
            command "./web"
            description "(the front)"
        }
        "##,
    ),
    Rule::error(
        "svc::block-without-node",
        "a block that belongs to no node",
        "A block stands behind the name and values of its node, on the same line. `{` alone begins nothing.",
    )
    .example(
        r##"
        {
            command "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::brace-on-next-line",
        "an opening brace on a line of its own",
        "A line break ends a node, so the `{` of its block stands on the node's own line.",
    )
    .example(
        r##"
        service "web"
        {
            command "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::colon-after-name",
        "a colon behind the name of a node",
        "A node is its name and its values, with blanks between: no colon as in YAML.",
    )
    .example(
        r##"
        service "web" {
            command: "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::equals-after-name",
        "an `=` behind the name of a node",
        "A node is its name and its values, with blanks between: no `=` as in INI files. `name=value` is a property, \
         and stands behind the name of the node it belongs to.",
    )
    .example(
        r##"
        service "web" {
            command="./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::include-cycle",
        "files that include each other in a circle",
        "Each file is read once. A file that includes one it was included by adds nothing, and is probably a wrong path.",
    )
    .example(
        r##"
        include "api.kdl"
        --- api.kdl ---
        include "services.kdl"
        service "api" { command "./api" }
        "##,
        r##"
        include "api.kdl"
        --- api.kdl ---
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::include-depth",
        "files that include each other more than 16 in a row",
        "A file may include one that includes a third, and so on; past 16 nobody finds their way. Include what lies \
         deepest from a file nearer to the first one.",
    )
    .no_example("it takes seventeen files"),
    Rule::warning(
        "svc::include-matches-nothing",
        "a pattern of an `include` that matches no file",
        "A pattern may match nothing, and mostly that is not what was meant: it is relative to the file it stands \
         in, and `*` does not cross a `/`.",
    )
    .example(
        r##"
        include "service/*.kdl"
        service "web" { command "./web" }
        --- services/api.kdl ---
        service "api" { command "./api" }
        "##,
        r##"
        include "services/*.kdl"
        service "web" { command "./web" }
        --- services/api.kdl ---
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::include-unreadable",
        "an included file that cannot be read",
        "The file is not there, may not be read or is no UTF-8. Paths are relative to the file that includes them.",
    )
    .example(
        r##"
        include "apis.kdl"
        --- api.kdl ---
        service "api" { command "./api" }
        "##,
        r##"
        include "api.kdl"
        --- api.kdl ---
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::included-twice",
        "a file that is included twice",
        "Each file is read once; a second `include` of it would declare its services again.",
    )
    .example(
        r##"
        include "more/api.kdl"
        include "more/*.kdl"
        --- more/api.kdl ---
        service "api" { shell "exec ../api" }
        "##,
        r##"
        include "more/*.kdl"
        --- more/api.kdl ---
        service "api" { shell "exec ../api" }
        "##,
    ),
    Rule::error(
        "svc::missing-space",
        "two things that touch",
        "Names, values and blocks are separated by blanks.",
    )
    .example(
        r##"
        service "web" {
            command "./web""--verbose"
        }
        "##,
        r##"
        service "web" {
            command "./web" "--verbose"
        }
        "##,
    ),
    Rule::error(
        "svc::missing-value",
        "a property or type annotation without its value",
        "Nothing follows the `=`. An empty text is written `\"\"`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env DEBUG=
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env DEBUG=""
        }
        "##,
    ),
    Rule::error(
        "svc::stray-brace",
        "a closing brace that closes nothing",
        "There is one `}` more than there are open blocks, or its indentation belongs to none of them.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
        }
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::stray-semicolon",
        "a semicolon that ends nothing",
        "`;` ends a node like a line break does. Where there is no node before it, it means nothing.",
    )
    .example(
        r##"
        service "web" {
            ; command "./web"
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
    Rule::error(
        "svc::too-deep",
        "blocks nested deeper than svc reads",
        "More than 128 blocks inside of each other are not read, so that no file can use up the memory of whoever \
         reads it. No service file needs more than five.",
    )
    .no_example("it takes 129 blocks inside of each other"),
    Rule::error(
        "svc::too-large",
        "files that are larger together than svc reads",
        "All files of a project, included ones and env-files too, may be 4 GiB together.",
    )
    .no_example("it takes 4 GiB"),
    Rule::error(
        "svc::unclosed-block",
        "an opening brace without its closing one",
        "The block is never closed. Where indentation tells which one it is, that one is blamed.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            stop {
                command "./drain"
        }
        service "api" { command "./api" }
        "##,
        r##"
        service "web" {
            command "./web"
            stop {
                command "./drain"
            }
        }
        service "api" { command "./api" }
        "##,
    ),
];
