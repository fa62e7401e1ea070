//! The tables of docs/permissions.md.

use std::fs;
use std::path::Path;

use crate::test_bed::{INPUT, NAME};

/// A name in the table of what a component needs.
#[derive(Debug)]
pub(super) struct Row {
    /// A regular expression.
    pub(super) name: String,
    /// Whether it may be configured, written and read.
    pub(super) is_permitted: [bool; 3],
    /// What the component logs without it, if it does.
    pub(super) logs: Option<String>,
    /// Whether it is needed only from RabbitMQ 4.3 on.
    pub(super) is_to_look: bool,
}

/// The names that a running component needs.
pub(super) fn rows() -> Vec<Row> {
    let rows = table("A running component").into_iter().map(|cells| {
        let [name, configure, write, read, without] = <[String; 5]>::try_from(cells).expect("five columns");
        Row {
            name: name.trim_matches('`').to_owned(),
            is_permitted: [configure, write, read].map(|cell| cell == "yes"),
            logs: without.rsplit('`').nth(1).map(str::to_owned),
            is_to_look: without.contains("RabbitMQ 4.3"),
        }
    });
    rows.collect()
}

/// What each command needs: its name, and three regular expressions.
pub(super) fn commands() -> Vec<(String, [String; 3])> {
    let rows = table("Commands").into_iter().flat_map(|mut cells| {
        let patterns = <[String; 3]>::try_from(cells.split_off(1)).expect("three columns").map(|it| unquoted(&it));
        let names: Vec<String> = cells[0].split(", ").map(unquoted).collect();
        names.into_iter().map(move |name| (name, patterns.clone()))
    });
    rows.collect()
}

fn unquoted(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

/// The regular expressions for the names of some rows, each as the program prints it: the component's own names together.
pub(super) fn patterns(names: [Vec<&str>; 3]) -> [String; 3] {
    let (prefix, _) = INPUT.split_once("data/").expect("the name of a channel");
    names.map(|mut names| {
        names.sort_unstable();
        let (own, others): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.starts_with(prefix));
        let own: Vec<&str> = own.into_iter().map(|name| &name[prefix.len()..]).collect();
        let own = match &own[..] {
            [] => None,
            [only] => Some(format!("{prefix}{only}")),
            _ => Some(format!("{prefix}({})", own.join("|"))),
        };
        let all: Vec<&str> = own.as_deref().into_iter().chain(others).collect();
        format!("^({})$", all.join("|"))
    })
}

/// The rows of the first table below a heading, with the names of the echo.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let text = fs::read_to_string(path).expect("read the document");
    let (prefix, _) = INPUT.split_once("/data/").expect("the name of a channel");
    let text = text.replace('…', prefix).replace("<component>", NAME);
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    // A vertical bar in a cell is escaped.
    let cells = |line: &str| {
        let line = line.replace(r"\|", "\0");
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('\0', "|"));
        cells.collect()
    };
    lines.skip(2).map(cells).collect()
}
