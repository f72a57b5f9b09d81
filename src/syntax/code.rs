//! The stable codes of what the reader reports; what is told about them is in the catalogue of the front end.

/// A character that KDL forbids everywhere, such as a control character or a direction mark.
pub const FORBIDDEN_CHARACTER: &str = "svc::forbidden-character";
/// A character that means nothing where it stands.
pub const UNEXPECTED_CHARACTER: &str = "svc::unexpected-character";
/// A comment opened with `/*` that never ends.
pub const UNCLOSED_COMMENT: &str = "svc::unclosed-comment";
/// A `//` or `/*` directly behind a word, as in an unquoted URL.
pub const COMMENT_IN_WORD: &str = "svc::comment-in-word";
/// A string whose closing quotes are missing.
pub const UNCLOSED_STRING: &str = "svc::unclosed-string";
/// A backslash in a string with something that is no escape.
pub const BAD_ESCAPE: &str = "svc::bad-escape";
/// A multi-line string whose lines or quotes are not placed as KDL asks for.
pub const MULTI_LINE_STRING: &str = "svc::multi-line-string";
/// A KDL 1 raw string: `r"…"`.
pub const OLD_RAW_STRING: &str = "svc::old-raw-string";
/// A text in single quotes, which are no quotes in KDL.
pub const SINGLE_QUOTES: &str = "svc::single-quotes";
/// A duration, size or other quantity with a unit that is not quoted.
pub const UNQUOTED_QUANTITY: &str = "svc::unquoted-quantity";
/// A path, pattern or cron line that is not quoted.
pub const UNQUOTED_TEXT: &str = "svc::unquoted-text";
/// Something that starts like a number and is none.
pub const BAD_NUMBER: &str = "svc::bad-number";
/// `true`, `false`, `null`, `inf` or `nan` without the `#` of KDL 2.
pub const BARE_KEYWORD: &str = "svc::bare-keyword";
/// A word behind `#` that is no keyword.
pub const UNKNOWN_KEYWORD: &str = "svc::unknown-keyword";
/// A node whose name cannot be one, such as a number.
pub const BAD_NODE_NAME: &str = "svc::bad-node-name";
/// A property whose name cannot be one, such as a number.
pub const BAD_PROPERTY_NAME: &str = "svc::bad-property-name";
/// A colon behind a node name, as in YAML.
pub const COLON_AFTER_NAME: &str = "svc::colon-after-name";
/// An `=` behind a node name, as in INI files.
pub const EQUALS_AFTER_NAME: &str = "svc::equals-after-name";
/// A property or a type annotation without its value.
pub const MISSING_VALUE: &str = "svc::missing-value";
/// Two things that touch.
pub const MISSING_SPACE: &str = "svc::missing-space";
/// A type annotation that is not `(name)` before a node or value.
pub const BAD_TYPE: &str = "svc::bad-type";
/// A `/-` with nothing behind it that it could comment out.
pub const BAD_SLASHDASH: &str = "svc::bad-slashdash";
/// Something behind a block on the same line.
pub const AFTER_BLOCK: &str = "svc::after-block";
/// An opening brace on a line of its own.
pub const BRACE_ON_NEXT_LINE: &str = "svc::brace-on-next-line";
/// A block that belongs to no node.
pub const BLOCK_WITHOUT_NODE: &str = "svc::block-without-node";
/// An opening brace whose closing one is missing.
pub const UNCLOSED_BLOCK: &str = "svc::unclosed-block";
/// A closing brace that closes nothing.
pub const STRAY_BRACE: &str = "svc::stray-brace";
/// A semicolon that ends nothing.
pub const STRAY_SEMICOLON: &str = "svc::stray-semicolon";
/// Blocks nested deeper than svc reads.
pub const TOO_DEEP: &str = "svc::too-deep";
/// An `include` that is not written as one.
pub const BAD_INCLUDE: &str = "svc::bad-include";
/// An included file that cannot be read.
pub const INCLUDE_UNREADABLE: &str = "svc::include-unreadable";
/// A pattern of an `include` that matches no file.
pub const INCLUDE_MATCHES_NOTHING: &str = "svc::include-matches-nothing";
/// Files that include each other in a circle.
pub const INCLUDE_CYCLE: &str = "svc::include-cycle";
/// Files that include each other in a row, more than svc follows.
pub const INCLUDE_DEPTH: &str = "svc::include-depth";
/// A file that is included twice.
pub const INCLUDED_TWICE: &str = "svc::included-twice";
/// Files that are larger together than svc reads.
pub const TOO_LARGE: &str = "svc::too-large";
