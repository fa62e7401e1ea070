//! The table: medians, and the ratios to the ceiling. It is Markdown that is also good to read as it is.

use super::{Results, Row};
use crate::contestant::CEILING;

/// All results, with a column for each of `contestants`.
pub(crate) fn table(results: &Results, contestants: &[&str]) -> String {
    let mut lines: Vec<Vec<String>> = vec![header(contestants)];
    let mut group = "";
    for row in results.rows() {
        if row.group != group {
            group = row.group;
            let mut line = vec![format!("**{group}**")];
            line.resize(contestants.len() + 1, String::new());
            lines.push(line);
        }
        let mut line = vec![format!("{} ({})", row.name, row.unit.name())];
        line.extend(contestants.iter().map(|contestant| cell(row, contestant)));
        lines.push(line);
    }
    align(&lines)
}

fn header(contestants: &[&str]) -> Vec<String> {
    let first = "median, and ratio to the ceiling".to_owned();
    let name = |contestant: &&str| match *contestant {
        CEILING => format!("{CEILING} (ceiling)"),
        other => other.to_owned(),
    };
    [first].into_iter().chain(contestants.iter().map(name)).collect()
}

fn cell(row: &Row, contestant: &str) -> String {
    let Some(median) = row.median(contestant) else { return String::new() };
    let value = row.unit.write(median);
    match row.ratio(contestant) {
        Some(ratio) if contestant != CEILING && row.has_ratios() => format!("{value} ×{}", short(ratio)),
        _ => value,
    }
}

fn short(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.1 => format!("{ratio:.3}"),
        ratio if ratio < 10.0 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.0}"),
    }
}

fn align(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut written: Vec<String> = lines.iter().map(|line| write(line, &widths)).collect();
    written.insert(1, rule(&widths));
    written.concat()
}

fn write(line: &[String], widths: &[usize]) -> String {
    let mut text = String::from("|");
    for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
        let gap = " ".repeat(width - cell.chars().count());
        let (before, after) = if column == 0 { ("", &*gap) } else { (&*gap, "") };
        text.extend([" ", before, cell, after, " |"]);
    }
    text + "\n"
}

/// What tells Markdown that a table begins: names to the left, figures to the right.
fn rule(widths: &[usize]) -> String {
    let column = |(column, width): (usize, &usize)| match column {
        0 => format!(" {} |", "-".repeat(*width)),
        _ => format!(" {}: |", "-".repeat(width - 1)),
    };
    let columns: String = widths.iter().enumerate().map(column).collect();
    format!("|{columns}\n")
}
