//! "Did you mean …?": the nearest known word to a mistyped one.

/// Returns the candidate nearest to `written`, when it is near enough to be meant.
///
/// Letter case and `_` against `-` do not count; up to a third of the letters may differ (at least
/// one), transposed neighbours count once (optimal string alignment).
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(written);
    let length = folded.chars().count();
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        // Most are of quite another length and need not be looked at.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Returns whether two words differ in nothing but letter case, `_` and `-`: `ExecStart` and `exec_start`.
pub fn same(a: &str, b: &str) -> bool {
    fn letters(word: &str) -> impl Iterator<Item = char> {
        word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase)
    }
    letters(a).eq(letters(b))
}

fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '_' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word_that_was_meant() {
        let known = ["database", "cache", "depends-on", "web"];
        assert_eq!(nearest("databse", known), Some("database"));
        assert_eq!(nearest("depends_on", known), Some("depends-on"));
        assert_eq!(nearest("Cahce", known), Some("cache"));
    }

    #[test]
    fn words_are_the_same_in_every_way_of_writing_them() {
        for word in ["depends_on", "DependsOn", "dependson", "DEPENDS-ON"] {
            assert!(same(word, "depends-on"), "{word}");
        }
        assert!(!same("depend-on", "depends-on") && !same("", "a"));
    }

    #[test]
    fn a_different_word_finds_nothing() {
        assert_eq!(nearest("queue", ["database", "cache", "web"]), None);
        assert_eq!(nearest("a", ["b"]), None);
    }
}
