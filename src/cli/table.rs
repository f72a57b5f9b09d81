//! Tables: aligned by two blanks, no frame, so that `grep` and `awk` work on them too.

use crate::cli::style::{Paint, Style, shorten};

/// One cell: its text and how it is painted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Its colour.
    pub paint: Option<Paint>,
}

impl Cell {
    /// Makes an unpainted cell.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), paint: None }
    }

    /// Makes a painted cell.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint: Some(paint) }
    }
}

/// A table: a title and the cells of each column, in order.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(&'static str, Align, Vec<Cell>)>,
}

/// To which side a column keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Table {
    /// Adds a column; one without any text is left out of the table.
    pub fn column(&mut self, title: &'static str, align: Align, cells: Vec<Cell>) {
        if cells.iter().any(|cell| !cell.text.is_empty()) {
            self.columns.push((title, align, cells));
        }
    }

    /// Renders the table; the last column is shortened to what fits into `columns`, when given.
    pub fn render(&self, style: Style, columns: Option<usize>) -> String {
        let rows = self.columns.iter().map(|(_, _, cells)| cells.len()).max().unwrap_or(0);
        let mut lines = vec![String::new(); rows + 1];
        let mut taken = 0;
        for (index, (title, align, cells)) in self.columns.iter().enumerate() {
            let last = index + 1 == self.columns.len();
            let longest = cells.iter().map(|cell| cell.text.chars().count()).max().unwrap_or(0);
            let mut width = longest.max(title.len());
            if let (true, Some(columns)) = (last, columns) {
                width = width.min(columns.saturating_sub(taken).max(title.len()));
            }
            let heading = Cell::painted(*title, Paint::Dim);
            for (line, cell) in lines.iter_mut().zip(std::iter::once(&heading).chain(cells)) {
                push(line, cell, width, *align, last, style);
            }
            taken += width + 2;
        }
        lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

/// Writes one cell at the end of a line.
fn push(line: &mut String, cell: &Cell, width: usize, align: Align, last: bool, style: Style) {
    let text = shorten(&cell.text, width);
    let blanks = " ".repeat(width - text.chars().count());
    let painted = match cell.paint {
        Some(paint) => style.paint(paint, &text),
        None => text,
    };
    match align {
        Align::Left => *line += &(painted + &blanks),
        Align::Right => *line += &(blanks + &painted),
    }
    if !last {
        line.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let cells = |texts: &[&str]| texts.iter().map(|text| Cell::plain(*text)).collect();
        let mut table = Table::default();
        table.column("NAME", Align::Left, cells(&["api.0", "database"]));
        table.column("RESTARTS", Align::Right, cells(&["0", "12"]));
        table.column("PORTS", Align::Left, cells(&["", ""]));
        table.column("COMMAND", Align::Left, cells(&["./api --listen 127.0.0.1", "postgres"]));
        table
    }

    #[test]
    fn columns_are_aligned_and_an_empty_one_is_left_out() {
        let text = table().render(Style::PLAIN, None);
        assert_eq!(
            text,
            "NAME      RESTARTS  COMMAND\n\
             api.0            0  ./api --listen 127.0.0.1\n\
             database        12  postgres\n"
        );
    }

    #[test]
    fn the_last_column_gives_way_on_a_narrow_terminal() {
        let text = table().render(Style::PLAIN, Some(34));
        assert!(text.contains("  ./api --liste…\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 34), "{text}");
    }
}
