//! Colours: which there are, what they mean, and when there are none.
//!
//! A state always has the same colour, and nothing is said by colour alone.

use crate::control::wire::{Instance, Kind, State};

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Paints, or leaves as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether there are colours.
    pub colour: bool,
}

/// What a text is painted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Something is well.
    Good,
    /// Something is on its way.
    Busy,
    /// Something is wrong.
    Bad,
    /// Of less importance.
    Dim,
    /// Of more importance.
    Bold,
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { colour: false };

    /// Decides for a stream: `terminal` says whether it is one, `variable` reads the environment.
    pub fn decide(when: When, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let colour = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        Self { colour }
    }

    /// Paints a text.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => "32",
            Paint::Busy => "33",
            Paint::Bad => "31",
            Paint::Dim => "2",
            Paint::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Returns the word people read for the state of an instance: a task that is up is `running`.
pub fn word(instance: &Instance) -> &'static str {
    match (instance.kind, instance.state) {
        (Kind::Task, State::Ready) => "running",
        (_, state) => state.word(),
    }
}

/// Returns the colour of an instance's state.
pub fn paint_of(instance: &Instance) -> Paint {
    match instance.state {
        State::Inactive | State::Disabled => Paint::Dim,
        State::Ready if instance.kind == Kind::Task => Paint::Busy,
        State::Waiting | State::Starting | State::Stopping => Paint::Busy,
        State::Ready | State::Scheduled | State::Completed => Paint::Good,
        State::Unhealthy | State::Backoff | State::Failed => Paint::Bad,
    }
}

/// Returns how many columns a text takes: escape sequences take none.
pub fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut escape = false;
    for c in text.chars() {
        match (escape, c) {
            (false, '\x1b') => escape = true,
            (false, _) => columns += 1,
            (true, c) => escape = !c.is_ascii_alphabetic(),
        }
    }
    columns
}

/// Shortens a plain text to `columns`, with `…` where something was left out.
pub fn shorten(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(when: When, terminal: bool, variables: &[(&str, &str)]) -> bool {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Style::decide(when, terminal, variable).colour
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        assert!(decide(When::Auto, true, &[]));
        assert!(!decide(When::Auto, false, &[]));
        assert!(!decide(When::Auto, true, &[("NO_COLOR", "1")]));
        assert!(decide(When::Auto, true, &[("NO_COLOR", "")]), "an empty NO_COLOR is not set");
        assert!(!decide(When::Auto, true, &[("TERM", "dumb")]));
        assert!(decide(When::Always, false, &[("NO_COLOR", "1")]));
        assert!(!decide(When::Never, true, &[]));
    }

    #[test]
    fn escape_sequences_take_no_columns() {
        let painted = Style { colour: true }.paint(Paint::Good, "ready");
        assert_eq!((painted.len(), width(&painted)), (14, 5));
    }

    #[test]
    fn a_text_that_is_too_long_says_that_it_goes_on() {
        assert_eq!(shorten("héllo", 5), "héllo");
        assert_eq!(shorten("héllo", 4), "hél…");
        assert_eq!(shorten("héllo", 0), "");
    }
}
