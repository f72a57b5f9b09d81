//! The stable codes of what the reader reports, as data.

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident $code:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $code;)*

        /// Every code of this room with what it means, in the order of this file.
        pub const ALL: &[(&str, &str)] = &[$(($code, concat!($($doc),*))),*];
    };
}

codes! {
    /// A character that KDL forbids everywhere, such as a control character or a direction mark.
    FORBIDDEN_CHARACTER "svc::forbidden-character";
    /// A character that means nothing where it stands.
    UNEXPECTED_CHARACTER "svc::unexpected-character";
    /// A comment opened with `/*` that never ends.
    UNCLOSED_COMMENT "svc::unclosed-comment";
    /// A `//` or `/*` directly behind a word, as in an unquoted URL.
    COMMENT_IN_WORD "svc::comment-in-word";
    /// A string whose closing quotes are missing.
    UNCLOSED_STRING "svc::unclosed-string";
    /// A backslash in a string with something that is no escape.
    BAD_ESCAPE "svc::bad-escape";
    /// A multi-line string whose lines or quotes are not placed as KDL asks for.
    MULTI_LINE_STRING "svc::multi-line-string";
    /// A KDL 1 raw string: `r"…"`.
    OLD_RAW_STRING "svc::old-raw-string";
    /// A text in single quotes, which are no quotes in KDL.
    SINGLE_QUOTES "svc::single-quotes";
    /// A duration, size or other quantity with a unit that is not quoted.
    UNQUOTED_QUANTITY "svc::unquoted-quantity";
    /// A path, pattern or cron line that is not quoted.
    UNQUOTED_TEXT "svc::unquoted-text";
    /// Something that starts like a number and is none.
    BAD_NUMBER "svc::bad-number";
    /// `true`, `false`, `null`, `inf` or `nan` without the `#` of KDL 2.
    BARE_KEYWORD "svc::bare-keyword";
    /// A word behind `#` that is no keyword.
    UNKNOWN_KEYWORD "svc::unknown-keyword";
    /// A node whose name cannot be one, such as a number.
    BAD_NODE_NAME "svc::bad-node-name";
    /// A property whose name cannot be one, such as a number.
    BAD_PROPERTY_NAME "svc::bad-property-name";
    /// A colon behind a node name, as in YAML.
    COLON_AFTER_NAME "svc::colon-after-name";
    /// An `=` behind a node name, as in INI files.
    EQUALS_AFTER_NAME "svc::equals-after-name";
    /// A property or a type annotation without its value.
    MISSING_VALUE "svc::missing-value";
    /// Two things that touch.
    MISSING_SPACE "svc::missing-space";
    /// A type annotation that is not `(name)` before a node or value.
    BAD_TYPE "svc::bad-type";
    /// A `/-` with nothing behind it that it could comment out.
    BAD_SLASHDASH "svc::bad-slashdash";
    /// Something behind a block on the same line.
    AFTER_BLOCK "svc::after-block";
    /// An opening brace on a line of its own.
    BRACE_ON_NEXT_LINE "svc::brace-on-next-line";
    /// A block that belongs to no node.
    BLOCK_WITHOUT_NODE "svc::block-without-node";
    /// An opening brace whose closing one is missing.
    UNCLOSED_BLOCK "svc::unclosed-block";
    /// A closing brace that closes nothing.
    STRAY_BRACE "svc::stray-brace";
    /// A semicolon that ends nothing.
    STRAY_SEMICOLON "svc::stray-semicolon";
    /// Blocks nested deeper than svc reads.
    TOO_DEEP "svc::too-deep";
    /// An `include` that is not written as one.
    BAD_INCLUDE "svc::bad-include";
    /// An included file that cannot be read.
    INCLUDE_UNREADABLE "svc::include-unreadable";
    /// A pattern of an `include` that matches no file.
    INCLUDE_MATCHES_NOTHING "svc::include-matches-nothing";
    /// Files that include each other in a circle.
    INCLUDE_CYCLE "svc::include-cycle";
    /// A file that is included twice.
    INCLUDED_TWICE "svc::included-twice";
    /// Files that are larger together than svc reads.
    TOO_LARGE "svc::too-large";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_kebab_case() {
        let unique: std::collections::BTreeSet<_> = ALL.iter().map(|(code, _)| code).collect();
        assert_eq!(unique.len(), ALL.len());
        for (code, meaning) in ALL {
            let word = code.strip_prefix("svc::").expect(code);
            assert!(word.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
            assert!(meaning.trim().ends_with('.'), "{code}: {meaning}");
        }
    }
}
