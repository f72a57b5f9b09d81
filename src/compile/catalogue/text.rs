//! Codes of reading KDL: characters, strings, numbers and words.

use crate::diagnostic::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::error(
        "svc::bad-escape",
        "a backslash with something that is no escape",
        "In a string `\\` begins an escape: `\\n`, `\\t`, `\\\"`, `\\\\`, `\\s`, `\\u{…}`, or a line break that is \
         left out. A backslash that is meant as one is written twice, or the string is made a raw one, in which \
         nothing is an escape: `#\"…\"#`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness log="listening on \d+"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness log=#"listening on \d+"#
        }
        "##,
    ),
    Rule::error(
        "svc::bad-number",
        "something that begins like a number and is none",
        "A word that begins with a digit is read as a number: decimal, `0x…`, `0o…` or `0b…`, with `_` between \
         digits. Versions and addresses are texts, and texts that begin with a digit are quoted.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness tcp=127.0.0.1:8080
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
        "svc::bare-keyword",
        "`true`, `false` or `null` without `#`",
        "KDL 2 writes its keywords with a `#`, so that a text may be any word: `#true`, `#false`, `#null`, \
         `#inf`, `#nan`. Where the text is meant, quote it.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            disabled true
        }
        "##,
        r##"
        service "web" {
            command "./web"
            disabled #true
        }
        "##,
    ),
    Rule::warning(
        "svc::comment-in-word",
        "a comment that begins in the middle of a word",
        "`//` and `/*` begin a comment wherever they stand outside of quotes, also directly behind a word. A URL \
         without quotes ends there.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            env API=http://localhost:8080/
        }
        "##,
        r##"
        service "web" {
            command "./web"
            env API="http://localhost:8080/"
        }
        "##,
    ),
    Rule::error(
        "svc::forbidden-character",
        "a character that KDL forbids everywhere",
        "Control characters and marks that change the direction of writing make a file look other than it is, \
         so KDL allows them nowhere, not even in comments. In a string they are written as escapes: `\\u{202E}`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            description "the ⟨U+202E⟩front"
        }
        "##,
        r##"
        service "web" {
            command "./web"
            description "the \u{202E}front"
        }
        "##,
    ),
    Rule::error(
        "svc::multi-line-string",
        "a multi-line string that is not placed as KDL asks for",
        "A string of several lines begins with `\"\"\"` at the end of its line and ends with `\"\"\"` on a line of \
         its own; each line between has at least the indentation of the last one, which is taken off.",
    )
    .example(
        r##"
        task "report" {
            shell """
                echo one
              echo two
                """
        }
        "##,
        r##"
        task "report" {
            shell """
                echo one
                echo two
                """
        }
        "##,
    ),
    Rule::error(
        "svc::old-raw-string",
        "a raw string of KDL 1",
        "In KDL 2 a raw string begins with `#` alone: `#\"…\"#`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            readiness log=r#"port \d+"#
        }
        "##,
        r##"
        service "web" {
            command "./web"
            readiness log=#"port \d+"#
        }
        "##,
    ),
    Rule::error(
        "svc::single-quotes",
        "a text in single quotes",
        "To KDL an apostrophe is a letter like any other; only `\"` quotes. A text in single quotes would \
         contain them.",
    )
    .example(
        r##"
        service 'web' {
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
        "svc::unclosed-comment",
        "a comment that never ends",
        "A comment opened with `/*` ends with `*/`. They nest: each one opened inside of another needs its own end.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
        }
        /* the old one: /* was */
        service "api" { command "./api" }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        /* the old one: /* was */ */
        service "api" { command "./api" }
        "##,
    ),
    Rule::error(
        "svc::unclosed-string",
        "a string without its closing quotes",
        "A string in `\"` ends on its own line. One of several lines is written between `\"\"\"`.",
    )
    .example(
        r##"
        service "web" {
            command "./web --verbose
        }
        "##,
        r##"
        service "web" {
            command "./web --verbose"
        }
        "##,
    ),
    Rule::error(
        "svc::unexpected-character",
        "a character that means nothing where it stands",
        "Brackets, `=`, `)` and `\\` have no meaning of their own between values. KDL has no lists: values stand \
         one after the other. A text that holds such a character is quoted.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            success-codes [0, 143]
        }
        "##,
        r##"
        service "web" {
            command "./web"
            success-codes 0 143
        }
        "##,
    ),
    Rule::error(
        "svc::unknown-keyword",
        "a word behind `#` that is no keyword",
        "`#` begins the keywords `#true`, `#false`, `#null`, `#inf`, `#-inf` and `#nan`, and raw strings. It does \
         not begin a comment; `//` does.",
    )
    .example(
        r##"
        service "web" {
            command "./web" # the front
        }
        "##,
        r##"
        service "web" {
            command "./web" // the front
        }
        "##,
    ),
    Rule::error(
        "svc::unquoted-quantity",
        "a duration or size without quotes",
        "A word that begins with a digit is a number to KDL, and a number has no unit. Durations, sizes and other \
         quantities are texts: `\"10s\"`, `\"512M\"`.",
    )
    .example(
        r##"
        service "web" {
            command "./web"
            start-timeout 10s
        }
        "##,
        r##"
        service "web" {
            command "./web"
            start-timeout "10s"
        }
        "##,
    ),
    Rule::error(
        "svc::unquoted-text",
        "a path, pattern or cron line without quotes",
        "A word without quotes cannot hold `/`, `\\`, brackets, braces, parentheses, `#`, `;` or `=`. Paths, patterns \
         and cron lines are quoted.",
    )
    .example(
        r##"
        service "web" {
            command ./web
        }
        "##,
        r##"
        service "web" {
            command "./web"
        }
        "##,
    ),
];
