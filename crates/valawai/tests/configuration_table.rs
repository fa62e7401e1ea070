//! The tables of docs/configuration.md have what the code has.

use valawai::internals::settings::table::{OF_CHANNEL, SETTINGS};

/// The cells of the rows of the table below a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let document = include_str!("../../../docs/configuration.md");
    let (_, section) = document.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let table = section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    table.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()).collect()
}

#[test]
fn the_document_has_all_settings_with_their_defaults_and_effects_in_order() {
    let documented: Vec<[&str; 3]> = rows("\n## All settings\n").iter().map(|row| [row[0], row[1], row[2]]).collect();
    let or_not_set = |default: &'static str| if default.is_empty() { "not set" } else { default };
    let expected = SETTINGS.iter().map(|row| [row.name, or_not_set(row.default), row.effect.text()]);
    let expected: Vec<[&str; 3]> = expected.collect();
    for (documented, expected) in documented.iter().zip(&expected) {
        assert_eq!(documented, expected, "a row of docs/configuration.md is not that of settings/table.rs");
    }
    assert_eq!(documented.len(), expected.len(), "docs/configuration.md has other settings than settings/table.rs");
}

#[test]
fn the_document_has_the_settings_of_channels() {
    let documented = rows("\n### Settings of one channel\n");
    let documented: Vec<(&str, &str)> = documented.iter().map(|row| (row[0], row[2])).collect();
    let name = |what: &str| format!("CHANNEL_DATA_RECEIVED_MESSAGE_{what}");
    let expected: Vec<(String, &str)> = OF_CHANNEL.iter().map(|(what, effect)| (name(what), effect.text())).collect();
    let expected: Vec<(&str, &str)> = expected.iter().map(|(name, effect)| (&**name, *effect)).collect();
    assert_eq!(documented, expected);
}
