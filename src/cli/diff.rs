//! What changes between two texts, line by line, as diff -u shows it.
//!
//! Made for texts that differ here and there. It looks only a bounded way ahead for lines that are in
//! both, so that it is linear; where they are further apart it shows more than would be necessary.

use std::fmt::Write;

use crate::cli::style::{Paint, Style};

/// How many unchanged lines are shown around changed ones.
const CONTEXT: usize = 3;

/// How many lines of both texts together are passed over to find one that is in both.
const WINDOW: usize = 40;

/// One line of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// Shows what changes from `old` to `new`; nothing when they are the same.
pub fn unified(name: &str, old: &str, new: &str, style: Style) -> String {
    let lines = lines(old, new);
    let mut out = String::new();
    let mut next = 0;
    let (mut old_line, mut new_line) = (1, 1);
    while let Some(first) = lines[next..].iter().position(|line| !matches!(line, Line::Same(_))) {
        if out.is_empty() {
            out = style.paint(Paint::Bold, &format!("--- {name}\n+++ {name} (formatted)")) + "\n";
        }
        let start = next + first.saturating_sub(CONTEXT);
        let end = hunk_end(&lines, next + first);
        old_line += start - next;
        new_line += start - next;
        let hunk = &lines[start..end];
        let count = |skip: fn(&Line<'_>) -> bool| hunk.iter().filter(|line| !skip(line)).count();
        let olds = count(|line| matches!(line, Line::New(_)));
        let news = count(|line| matches!(line, Line::Gone(_)));
        // A hunk without lines of a text stands behind the line it names.
        let at = |line: usize, count: usize| line - usize::from(count == 0);
        let head = format!("@@ -{},{olds} +{},{news} @@", at(old_line, olds), at(new_line, news));
        writeln!(out, "{}", style.paint(Paint::Dim, &head)).expect("a string takes everything");
        for line in hunk {
            out += &match line {
                Line::Same(text) => format!(" {text}"),
                Line::Gone(text) => style.paint(Paint::Bad, &format!("-{text}")),
                Line::New(text) => style.paint(Paint::Good, &format!("+{text}")),
            };
            out.push('\n');
        }
        old_line += olds;
        new_line += news;
        next = end;
    }
    out
}

/// Returns where a hunk ends whose first changed line is at `at`.
fn hunk_end(lines: &[Line<'_>], at: usize) -> usize {
    let mut end = at;
    let mut same = 0;
    for (number, line) in lines.iter().enumerate().skip(at) {
        match line {
            Line::Same(_) if same == 2 * CONTEXT => break,
            Line::Same(_) => same += 1,
            Line::Gone(_) | Line::New(_) => {
                same = 0;
                end = number + 1;
            }
        }
    }
    (end + CONTEXT).min(lines.len())
}

/// Puts the lines of both texts in one row, those that go before those that come.
fn lines<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let old: Vec<&str> = old.split_terminator('\n').collect();
    let new: Vec<&str> = new.split_terminator('\n').collect();
    let mut out = Vec::with_capacity(old.len() + new.len());
    let (mut a, mut b) = (0, 0);
    let (mut gone, mut come) = (0, 0);
    let flush = |out: &mut Vec<Line<'t>>, a: usize, b: usize, gone: &mut usize, come: &mut usize| {
        out.extend(old[a - *gone..a].iter().map(|line| Line::Gone(line)));
        out.extend(new[b - *come..b].iter().map(|line| Line::New(line)));
        (*gone, *come) = (0, 0);
    };
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            flush(&mut out, a, b, &mut gone, &mut come);
            out.push(Line::Same(old[a]));
            (a, b) = (a + 1, b + 1);
            continue;
        }
        let (skip, add) = ahead(&old[a..], &new[b..]);
        (a, b) = (a + skip, b + add);
        (gone, come) = (gone + skip, come + add);
    }
    flush(&mut out, a, b, &mut gone, &mut come);
    out
}

/// Returns how many lines of each text to pass over to the nearest line that is in both: one of each
/// when there is none near.
fn ahead(old: &[&str], new: &[&str]) -> (usize, usize) {
    for sum in 1..=WINDOW {
        for skip in 0..=sum {
            let add = sum - skip;
            if let (Some(one), Some(other)) = (old.get(skip), new.get(add))
                && one == other
                && !one.trim().is_empty()
            {
                return (skip, add);
            }
        }
    }
    (old.len().min(1), new.len().min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        unified("a.kdl", old, new, Style::PLAIN)
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
        assert_eq!(diff("", ""), "");
    }

    #[test]
    fn changed_lines_stand_between_unchanged_ones() {
        let old = "1\n2\n3\n4\n5\n  x\n  y\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\nz\n";
        let new = "1\n2\n3\n4\n5\nx\ny\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n";
        insta::assert_snapshot!(diff(old, new), @r"
        --- a.kdl
        +++ a.kdl (formatted)
        @@ -3,8 +3,8 @@
         3
         4
         5
        -  x
        -  y
        +x
        +y
         6
         7
         8
        @@ -16,4 +16,3 @@
         14
         15
         16
        -z
        ");
    }

    #[test]
    fn a_text_of_which_nothing_stays_is_shown_whole() {
        assert_eq!(diff("", "a\n"), "--- a.kdl\n+++ a.kdl (formatted)\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(diff("a\n", ""), "--- a.kdl\n+++ a.kdl (formatted)\n@@ -1,1 +0,0 @@\n-a\n");
        let many = "a\n".repeat(100);
        let other = "b\n".repeat(90);
        assert_eq!(diff(&many, &other).lines().count(), 3 + 100 + 90);
    }

    #[test]
    fn applying_the_difference_gives_the_new_text() {
        let old = "a\n\n\nb\nc\n\nd\ne\nf\n";
        let new = "a\n\nb\nd\n\ne\nx\nf\n";
        let (mut back, mut forth) = (String::new(), String::new());
        for line in lines(old, new) {
            match line {
                Line::Same(text) => {
                    back += &format!("{text}\n");
                    forth += &format!("{text}\n");
                }
                Line::Gone(text) => back += &format!("{text}\n"),
                Line::New(text) => forth += &format!("{text}\n"),
            }
        }
        assert_eq!((back.as_str(), forth.as_str()), (old, new));
    }
}
