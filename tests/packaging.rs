//! The documentation, the image and Compose know all settings of the component.

use std::collections::BTreeSet;
use std::path::Path;

/// Sources in which the names of the settings are literals.
const SETTINGS: [&str; 6] = [
    "crates/valawai/src/settings/reader.rs",
    "crates/valawai/src/settings/broker.rs",
    "crates/valawai/src/settings/layers.rs",
    "crates/valawai/src/settings/store.rs",
    "crates/valawai/src/settings/routes.rs",
    "crates/valawai/src/tls/mod.rs",
];
const DOCUMENTATION: [&str; 3] = ["README.md", "docs/configuration.md", "docs/docker.md"];
const COMPOSE: [&str; 3] =
    ["docker-compose.yml", "docker-compose.secrets.yml", "docker/observability/docker-compose.yml"];
/// Other names of settings: the correctly spelled one of a setting that is misspelled in the platform, and those of the stores.
const ALIASES: [&str; 3] = ["COMPONENT_ID_FILE_NAME", "CONSUL_PREFIX", "ETCD_PREFIX"];

/// Reads a file by its path below the root of the workspace.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn read_all(paths: &[&str]) -> String {
    paths.iter().map(|path| read(path)).collect()
}

/// A source without its tests.
fn without_tests(source: &str) -> String {
    read(source).split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The settings of the component: the string literals in capitals in the sources of the settings.
fn settings() -> BTreeSet<String> {
    let source = SETTINGS.map(without_tests).concat();
    let literals = source.split('"').skip(1).step_by(2);
    let is_setting = |text: &&str| {
        text.len() > 4 && !text.ends_with('_') && text.chars().all(|each| each.is_ascii_uppercase() || each == '_')
    };
    literals.filter(is_setting).filter(|text| !ALIASES.contains(text)).map(str::to_owned).collect()
}

/// Asserts that `text` contains each setting, in the form that `format` makes of its name.
#[track_caller]
fn assert_has_all_settings(name: &str, text: &str, format: impl Fn(&str) -> String) {
    let missing: Vec<String> = settings().into_iter().filter(|setting| !text.contains(&format(setting))).collect();
    assert!(missing.is_empty(), "{name} has no {missing:?}");
}

#[test]
fn the_settings_are_found_in_their_sources() {
    let settings = settings();
    for setting in ["RABBITMQ_HOST", "CHAOS_SEED", "WORKERS", "LOG_DIR", "MOV_URL", "DEAD_LETTER", "ETCD_HOST"] {
        assert!(settings.contains(setting), "{setting} is not among {settings:?}");
    }
}

#[test]
fn every_setting_is_documented() {
    assert_has_all_settings("the documentation", &read_all(&DOCUMENTATION), |setting| format!("`{setting}`"));
}

#[test]
fn the_image_has_a_default_for_every_setting() {
    assert_has_all_settings("the Dockerfile", &read("docker/main/Dockerfile"), |setting| format!(" {setting}="));
}

#[test]
fn compose_passes_every_setting_to_the_component() {
    assert_has_all_settings("docker-compose.yml", &read("docker-compose.yml"), |setting| match setting {
        // The volume is mounted there.
        "LOG_DIR" => String::new(),
        _ => format!("      {setting}: ${{{setting}:-"),
    });
}

#[test]
fn every_variable_of_compose_is_documented() {
    let compose = read_all(&COMPOSE);
    assert!(compose.contains("${MOV_TAG:-"), "no variable was found in the Compose files");
    let documentation = read_all(&DOCUMENTATION);
    let variables = compose.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    let undocumented: BTreeSet<&str> = variables
        .filter(|name| !documentation.contains(&format!("`{name}`")) && *name != "RABBITMQ_PASSWORD_FILE")
        .collect();
    assert!(undocumented.is_empty(), "the documentation has no {undocumented:?}");
}

/// The manifests for Kubernetes name settings as keys and literals; a misspelled one would have no effect.
#[test]
fn the_settings_of_the_kubernetes_manifests_exist() {
    let manifests = read("docker/kubernetes/deployment.yaml") + &read("docker/kubernetes/kustomization.yaml");
    let keys = manifests.lines().filter_map(|line| {
        let line = line.trim().strip_prefix("- ")?;
        line.strip_prefix("name: ").or_else(|| line.split_once('=').map(|(name, _)| name))
    });
    let is_variable = |name: &&str| name.chars().all(|each| each.is_ascii_uppercase() || each == '_');
    let named: Vec<&str> = keys.filter(is_variable).map(|name| name.trim_end_matches("_FILE")).collect();
    assert!(named.contains(&"RABBITMQ_PASSWORD") && named.contains(&"LOG_CONSOLE_LEVEL"), "only {named:?} were found");
    let settings = settings();
    let unknown: Vec<&str> = named.into_iter().filter(|name| !settings.contains(*name)).collect();
    assert!(unknown.is_empty(), "these are no settings: {unknown:?}");
}

/// Kubernetes kills what does not end in time, and messages in flight would be delivered again.
#[test]
fn kubernetes_waits_longer_than_the_component_takes_to_stop() {
    let number = |text: &str, before: &str| -> u64 {
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("there is no {before}"));
        let digits = rest.split(|each: char| !each.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().expect("a number")
    };
    let grace = number(&read("docker/main/Dockerfile"), " SHUTDOWN_GRACE=");
    let patience = number(&read("docker/kubernetes/deployment.yaml"), "terminationGracePeriodSeconds: ");
    assert!(patience > grace, "Kubernetes waits for {patience} s, and a stop may take {grace} s");
}

#[test]
fn the_images_compile_with_the_pinned_toolchain_by_its_digest() {
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).expect("the channel");
    let expected = format!("ARG RUST_IMAGE=rust:{version}-slim-bookworm@sha256:");
    for dockerfile in ["docker/main/Dockerfile", "docker/dev/Dockerfile"] {
        assert!(read(dockerfile).contains(&expected), "{dockerfile} has no {expected}");
    }
}
