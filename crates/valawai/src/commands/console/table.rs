//! Aligned tables.

use anstyle::Style;

use super::BOLD;
use crate::escaped::Escaped;

/// The space between columns.
const GAP: &str = "  ";

/// A table with a heading.
pub(in crate::commands) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// A cell. Its text is escaped.
pub(in crate::commands) struct Cell {
    text: String,
    is_number: bool,
    style: Option<Style>,
}

impl Cell {
    /// A text, aligned to the left.
    pub(in crate::commands) fn text(text: impl std::fmt::Display) -> Self {
        Self { text: Escaped(&text).to_string(), is_number: false, style: None }
    }

    /// A number, aligned to the right.
    pub(in crate::commands) fn number(number: impl std::fmt::Display) -> Self {
        Self { is_number: true, ..Self::text(number) }
    }

    /// The cell in a style.
    pub(in crate::commands) fn styled(self, style: Style) -> Self {
        Self { style: Some(style), ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl Table {
    pub(in crate::commands) fn new(heading: impl IntoIterator<Item = &'static str>) -> Self {
        Self { heading: heading.into_iter().collect(), rows: Vec::new() }
    }

    pub(in crate::commands) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines of the table; `paint` applies a style.
    pub(super) fn render(&self, paint: impl Fn(Style, &str) -> String) -> String {
        let widths: Vec<usize> = (0..self.heading.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        let heading = |(column, name): (usize, &&'static str)| {
            let is_number = self.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.is_number);
            Cell { text: (*name).to_owned(), is_number, style: Some(BOLD) }
        };
        let heading: Vec<Cell> = self.heading.iter().enumerate().map(heading).collect();
        for row in std::iter::once(&heading).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.width());
                let painted = cell.style.map_or_else(|| cell.text.clone(), |style| paint(style, &cell.text));
                let gap = if column == 0 { "" } else { GAP };
                let cell = if cell.is_number { padding + &painted } else { painted + &padding };
                line.extend([gap, &cell]);
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width);
        cells.chain([self.heading[column].chars().count()]).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cells_are_escaped() {
        let mut table = Table::new(["queue", "messages", "note"]);
        table.row([Cell::text("a\u{1b}[2J"), Cell::number(5), Cell::text("first").styled(BOLD)]);
        table.row([Cell::text("é"), Cell::number(1000), Cell::text("")]);
        let text = table.render(|_, text| format!("<{text}>"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            ["<queue>       <messages>  <note>", r"a\u{1b}[2J         5  <first>", "é               1000"]
        );
    }
}
