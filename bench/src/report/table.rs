//! The Markdown table: medians and ratios to the ceiling. Columns are aligned, so that the source is readable as well.

use super::{Results, Row};
use crate::contestant::Contestant;

/// All results, with a column for each contestant.
pub(super) fn table(results: &Results, contestants: &[Contestant]) -> String {
    let mut lines: Vec<Vec<String>> = vec![header(contestants)];
    let mut group = "";
    for row in results.rows() {
        if row.metric.group != group {
            group = row.metric.group;
            lines.push(group_line(group, contestants.len()));
        }
        let mut line = vec![format!("{} ({})", row.metric.name, row.metric.unit.symbol())];
        line.extend(contestants.iter().map(|contestant| cell(row, contestant)));
        lines.push(line);
    }
    align(&lines)
}

fn header(contestants: &[Contestant]) -> Vec<String> {
    let title = |contestant: &Contestant| {
        let note = if contestant.is_ceiling() { " (ceiling)" } else { "" };
        format!("{}{note}", contestant.name)
    };
    let first = "median, and ratio to the ceiling".to_owned();
    [first].into_iter().chain(contestants.iter().map(title)).collect()
}

fn group_line(group: &str, columns: usize) -> Vec<String> {
    let mut line = vec![format!("**{group}**")];
    line.resize(columns + 1, String::new());
    line
}

fn cell(row: &Row, contestant: &Contestant) -> String {
    let Some(median) = row.median(&contestant.name) else { return String::new() };
    let value = row.metric.unit.format(median);
    match row.ratio(&contestant.name) {
        Some(ratio) if !contestant.is_ceiling() && row.has_ratios() => format!("{value} ×{}", format_ratio(ratio)),
        _ => value,
    }
}

fn format_ratio(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.1 => format!("{ratio:.3}"),
        ratio if ratio < 10.0 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.0}"),
    }
}

fn align(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut aligned: Vec<String> = lines.iter().map(|line| align_line(line, &widths)).collect();
    aligned.insert(1, delimiter_line(&widths));
    aligned.concat()
}

fn align_line(cells: &[String], widths: &[usize]) -> String {
    let align = |(column, (cell, width)): (usize, (&String, &usize))| match column {
        0 => format!(" {cell:<width$} |"),
        _ => format!(" {cell:>width$} |"),
    };
    let cells: String = cells.iter().zip(widths).enumerate().map(align).collect();
    format!("|{cells}\n")
}

/// The line below the header: names are aligned to the left, values to the right.
fn delimiter_line(widths: &[usize]) -> String {
    let delimiter = |(column, width): (usize, &usize)| match column {
        0 => format!(" {} |", "-".repeat(*width)),
        _ => format!(" {}: |", "-".repeat(width - 1)),
    };
    let cells: String = widths.iter().enumerate().map(delimiter).collect();
    format!("|{cells}\n")
}
