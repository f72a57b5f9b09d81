//! Words of other tools with their names here.

use crate::model::node::foreign::FOREIGN;
use crate::schema::Vocabulary;

/// What people bring along from elsewhere.
pub const VOCABULARY: &Vocabulary = &Vocabulary { foreign: FOREIGN };

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::diagnostic::suggest::same;
    use crate::model::decode::TOP;

    /// Every name of the tables.
    fn names() -> BTreeSet<&'static str> {
        let mut names: BTreeSet<&str> = TOP.iter().map(|(name, _)| *name).collect();
        let mut specs: Vec<_> = TOP.iter().map(|(_, spec)| *spec).collect();
        let mut seen = Vec::new();
        while let Some(spec) = specs.pop() {
            if seen.iter().any(|known| std::ptr::eq(*known, spec)) {
                continue;
            }
            seen.push(spec);
            names.extend(spec.rows.iter().map(|row| row.name));
            specs.extend(spec.rows.iter().filter_map(|row| row.node));
        }
        names
    }

    #[test]
    fn a_word_of_another_tool_leads_to_a_name_that_is_known_here() {
        let names = names();
        for (word, here, example) in FOREIGN {
            assert!(here.is_empty() || names.contains(here) || *here == "buffer", "{word}: `{here}`");
            assert!(!here.is_empty() || !example.is_empty(), "{word} says nothing");
        }
    }

    #[test]
    fn a_word_of_another_tool_stands_there_once() {
        for (at, (word, ..)) in FOREIGN.iter().enumerate() {
            let again = FOREIGN[at + 1..].iter().find(|(other, ..)| same(word, other));
            assert!(again.is_none(), "{again:?}");
        }
    }
}
