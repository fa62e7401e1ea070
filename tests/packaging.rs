//! What is shipped around the binary knows all of its settings.

use std::collections::BTreeSet;
use std::path::Path;

/// The files are read from the folder of `Cargo.toml`.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// A source without its tests.
fn product(name: &str) -> String {
    file(name).split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The variables that the binary reads: the texts in capitals in the source of its settings.
fn settings() -> BTreeSet<String> {
    let source = ["src/settings/reader.rs", "src/settings/broker.rs"].map(product).concat();
    let texts = source.split('"').skip(1).step_by(2);
    let is_variable = |text: &&str| {
        text.len() > 4 && !text.ends_with('_') && text.chars().all(|each| each.is_ascii_uppercase() || each == '_')
    };
    texts.filter(is_variable).filter(|text| *text != "COMPONENT_ID_FILE_NAME").map(str::to_owned).collect()
}

#[track_caller]
fn assert_knows_all(name: &str, form: impl Fn(&str) -> String, but: &[&str]) {
    let text = file(name);
    let unknown: Vec<String> = settings()
        .into_iter()
        .filter(|variable| !but.contains(&variable.as_str()) && !text.contains(&form(variable)))
        .collect();
    assert!(unknown.is_empty(), "{name} does not know {unknown:?}");
}

#[test]
fn the_source_of_the_settings_is_understood() {
    let settings = settings();
    for variable in ["RABBITMQ_HOST", "CHAOS_SEED", "WORKERS", "LOG_DIR", "MOV_URL", "DEAD_LETTER"] {
        assert!(settings.contains(variable), "{variable} is not among {settings:?}");
    }
}

#[test]
fn the_readme_tells_every_setting() {
    assert_knows_all("README.md", |variable| format!("`{variable}`"), &[]);
}

#[test]
fn the_image_has_the_default_of_every_setting() {
    assert_knows_all("docker/main/Dockerfile", |variable| format!(" {variable}="), &[]);
}

#[test]
fn compose_passes_every_setting_on() {
    // The folder is the place of the volume.
    assert_knows_all("docker-compose.yml", |variable| format!("      {variable}: ${{{variable}:-"), &["LOG_DIR"]);
}

#[test]
fn the_readme_tells_every_variable_of_compose() {
    let compose = ["docker-compose.yml", "docker-compose.secrets.yml"].map(file).concat();
    let readme = file("README.md");
    let named = compose.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    let untold: BTreeSet<&str> =
        named.filter(|name| !readme.contains(&format!("`{name}`")) && *name != "RABBITMQ_PASSWORD_FILE").collect();
    assert!(compose.contains("${MOV_TAG:-"), "Compose is not understood");
    assert!(untold.is_empty(), "README.md does not tell {untold:?}");
}
