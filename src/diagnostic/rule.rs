//! What is known of a code before anything went wrong: what it means, and how it looks wrong and right.
//!
//! The rules themselves are a table of the front end; this is the shape of a row. Examples are whole
//! files, so that a test can hand them to the compiler.

use crate::diagnostic::Severity;

/// One code with everything a person can be told about it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The stable code, such as `svc::unknown-dependency`.
    pub code: &'static str,
    /// How bad a finding of this code is, where no flag says otherwise.
    pub severity: Severity,
    /// What is wrong, in a few words: lower case, no full stop.
    pub title: &'static str,
    /// Why it is wrong, or what was probably meant: one or more sentences.
    pub cause: &'static str,
    /// How it looks.
    pub example: Example,
}

/// How a mistake looks.
#[derive(Clone, Copy, Debug)]
pub enum Example {
    /// Files that show it, and the same files mended.
    Files {
        /// What is wrong.
        wrong: &'static str,
        /// What is right.
        fixed: &'static str,
        /// Flags of `svc check` that the mistake needs; empty for most.
        flags: &'static str,
    },
    /// No file of a reasonable size shows it, for this reason.
    None(&'static str),
}

/// The name of an example's first file.
pub const FIRST_FILE: &str = "services.kdl";

impl Rule {
    /// Makes a rule of errors; an example follows with [`Self::example`] or [`Self::no_example`].
    pub const fn error(code: &'static str, title: &'static str, cause: &'static str) -> Self {
        Self { code, severity: Severity::Error, title, cause, example: Example::None("") }
    }

    /// Makes a rule of warnings.
    pub const fn warning(code: &'static str, title: &'static str, cause: &'static str) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, title, cause) }
    }

    /// Sets the example.
    #[must_use]
    pub const fn example(mut self, wrong: &'static str, fixed: &'static str) -> Self {
        self.example = Example::Files { wrong, fixed, flags: "" };
        self
    }

    /// Sets the flags that the example needs.
    #[must_use]
    pub const fn flags(mut self, needed: &'static str) -> Self {
        if let Example::Files { wrong, fixed, .. } = self.example {
            self.example = Example::Files { wrong, fixed, flags: needed };
        }
        self
    }

    /// Says why there is no example.
    #[must_use]
    pub const fn no_example(mut self, why: &'static str) -> Self {
        self.example = Example::None(why);
        self
    }
}

/// Takes the indentation of the table off an example: that of its last line, and the first line break.
pub fn shown(example: &str) -> String {
    let text = example.strip_prefix('\n').unwrap_or(example);
    let (body, indent) =
        text.rsplit_once('\n').filter(|(_, last)| last.trim().is_empty()).unwrap_or((text, ""));
    let mut out = String::with_capacity(text.len());
    for line in body.lines() {
        out.push_str(line.strip_prefix(indent).unwrap_or(line));
        out.push('\n');
    }
    out
}

/// Takes an example apart into its files: a line `--- NAME ---` begins another one. `⟨U+202E⟩` is the
/// character of that number, which could not be seen otherwise.
pub fn files(example: &str) -> Vec<(String, String)> {
    let mut files = vec![(FIRST_FILE.to_owned(), String::new())];
    for line in shown(example).lines() {
        match line.strip_prefix("--- ").and_then(|rest| rest.strip_suffix(" ---")) {
            Some(name) => files.push((name.to_owned(), String::new())),
            None => {
                let (_, text) = files.last_mut().expect("it begins with one");
                text.push_str(&characters(line));
                text.push('\n');
            }
        }
    }
    files
}

fn characters(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("⟨U+") {
        let (number, behind) = after.split_once('⟩').unwrap_or((after, ""));
        out.push_str(before);
        out.extend(u32::from_str_radix(number, 16).ok().and_then(char::from_u32));
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_loses_the_indentation_of_the_table() {
        let example = "\n        service {\n            x\n        }\n        ";
        assert_eq!(shown(example), "service {\n    x\n}\n");
    }

    #[test]
    fn an_example_can_be_several_files_and_hold_what_cannot_be_seen() {
        let found = files("\n    a ⟨U+202E⟩ b\n    --- b.kdl ---\n    c\n    ");
        let expected = [("services.kdl", "a \u{202e} b\n"), ("b.kdl", "c\n")];
        assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
}
