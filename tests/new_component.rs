//! `newComponent.sh`: what it creates builds, passes its tests, registers, is connected and passes messages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Client, Mov, Node, Process, ProcessBuilder};

use crate::test_bed::{LONG, SOON};

const LEVELS: [&str; 3] = ["c0", "c1", "c2"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of what is built, so that the libraries are not built again.
fn target_folder() -> PathBuf {
    let own = std::env::current_exe().expect("the path of the test");
    own.ancestors().nth(3).expect("the folder of the builds").to_owned()
}

fn new_component(arguments: &[&str]) -> Output {
    Command::new(repository().join("newComponent.sh")).args(arguments).output().expect("run newComponent.sh")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Runs a command in `folder`, which must succeed.
#[track_caller]
fn run(folder: &Path, command: &[&str]) {
    let output = Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target_folder())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?} in {}: {error}", folder.display()));
    assert!(output.status.success(), "{command:?} failed in {}:\n{}", folder.display(), text(&output));
}

fn create(name: &str, folder: &Path) {
    let output = new_component(&["--path", name, folder.to_str().expect("a path in UTF-8")]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_new_component_of_each_level_passes_its_tests_registers_and_exchanges_messages() {
    let folder = TempDir::new().unwrap();
    for level in LEVELS {
        let component = folder.path().join("repositories").join(level);
        create(&format!("{level}_newly_made"), &component);
        run(&component, &["./runTests.sh"]);
        run(&component, &["cargo", "build", "--locked"]);
        run(&component, &["git", "status"]);
    }

    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    for channel in ["c1/newly_made/data/advice", "c2/newly_made/data/value"] {
        client.declare(&format!("valawai/{channel}"));
    }
    let mov = Mov::start(&vhost);
    let processes: Vec<Process> = LEVELS
        .iter()
        .map(|level| {
            let program = target_folder().join(format!("debug/{level}_newly_made"));
            let process = ProcessBuilder::component_at(&program, &vhost).start();
            process.wait_healthy();
            process
        })
        .collect();
    let receive = |channel: &str| client.receive(&format!("valawai/{channel}"), 1, LONG).remove(0).json();
    assert!(receive("c1/newly_made/data/advice")["advice"].is_string(), "C0 and C1 are not connected");
    assert!(receive("c2/newly_made/data/value")["alignment"].is_number(), "C2 observes nothing");
    for process in processes {
        assert_eq!(process.stop(SOON).code(), Some(0));
    }
    mov.wait_until("all components to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn a_new_component_has_two_source_files_of_less_than_sixty_lines() {
    let folder = TempDir::new().unwrap();
    for level in LEVELS {
        let component = folder.path().join(level);
        create(&format!("{level}_short"), &component);
        let sources: Vec<String> = fs::read_dir(component.join("src"))
            .unwrap()
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let lines: usize = sources.iter().map(|source| source.lines().count()).sum();
        assert!(sources.len() == 2 && lines < 60, "{level} has {} files with {lines} lines", sources.len());
    }
}

#[test]
fn a_new_component_has_no_name_of_the_echo_and_no_unfilled_place() {
    let folder = TempDir::new().unwrap();
    for dependency in [&["--path"][..], &["--git", "https://example.org/kit&more.git"]] {
        let component = folder.path().join(dependency[0]);
        let arguments = [dependency, &["c1_other", component.to_str().unwrap()]].concat();
        let output = new_component(&arguments);
        assert!(output.status.success(), "{}", text(&output));
        let leftovers = Command::new("grep")
            .args(["--recursive", "--line-number", "--extended-regexp", "--exclude-dir=.git", "--exclude=Cargo.lock"])
            .args([r"\{\{[a-z]|^@|c1_echo|C1_ECHO|echo_example"])
            .arg(&component)
            .output()
            .unwrap();
        assert_eq!(text(&leftovers), "");
        let manifest = fs::read_to_string(component.join("Cargo.toml")).unwrap();
        let by_path = manifest.contains(r#"valawai = { path = ""#);
        let by_repository = manifest.contains(r#"valawai = { git = "https://example.org/kit&more.git", rev = ""#);
        assert_eq!((by_path, by_repository), (dependency[0] == "--path", dependency[0] == "--git"), "{manifest}");
    }
}

#[test]
fn a_component_that_depends_on_the_library_by_repository_resolves_it() {
    let folder = TempDir::new().unwrap();
    let component = folder.path().join("component");
    let library = format!("file://{}", repository().display());
    let output = new_component(&["--git", &library, "c1_by_repository", component.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(&component)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap_or_else(|_| panic!("{}", text(&metadata)));
    let packages = metadata["packages"].as_array().unwrap();
    let kit = packages.iter().find(|package| package["name"] == "valawai").expect("the library");
    assert!(kit["source"].as_str().unwrap().starts_with("git+file://"), "{kit}");
}

#[test]
fn what_cannot_be_created_is_one_clear_error_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let existing = folder.path().join("existing");
    fs::create_dir(&existing).unwrap();
    let new = folder.path().join("new");
    let (existing, new) = (existing.to_str().unwrap(), new.to_str().unwrap());
    let inside = repository().join("inside");
    let long = format!("c1_{}", "x".repeat(100));
    let cases: [(&[&str], &str); 13] = [
        (&["c3_values", new], "must start with the level"),
        (&["values", new], "must start with the level"),
        (&["C1_values", new], "must start with the level"),
        (&["c1_", new], "must consist of"),
        (&["c1_word-count", new], "must consist of"),
        (&["c1_Word", new], "must consist of"),
        (&["c1_a b", new], "must consist of"),
        (&["c1_a/../b", new], "must consist of"),
        (&[&long, new], "longer than 64"),
        (&["c1_values", existing], "exists already"),
        (&["c1_values", inside.to_str().unwrap()], "lies in the repository of the library"),
        (&["c1_values"], "A name and a folder are needed"),
        (&["--unknown", "c1_values", new], "Unknown option --unknown"),
    ];
    for (arguments, expected) in cases {
        let output = new_component(arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["existing"]);
    assert!(!inside.exists());
}
