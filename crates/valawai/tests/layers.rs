//! The rules of the architecture that neither crates nor privacy can enforce.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate, the values first. Each module uses only modules before it.
#[rustfmt::skip]
const ORDER: [&str; 33] = [
    "name", "failure", "secret", "escaped", "simulation", "clock", "threads", "hex", "ids", "sequence_window", "payload", "shutdown", "trace", "message", "asyncapi", "routes",
    "tls", "operations", "broker", "health", "logs", "mov", "store", "component", "consumer", "publisher", "service", "telemetry", "settings", "configuration", "process", "testing", "commands",
];

/// The only folder that may name amiquip.
const AMIQUIP_FOLDER: &str = "broker/amqp";

/// A source file: its path below `src`, and its code without comments and unit tests.
struct Source {
    path: PathBuf,
    code: String,
}

impl Source {
    fn read(root: &Path, file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("read a source file");
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        let path = file.strip_prefix(root).expect("a file below the root").to_owned();
        Self { path, code: lines.collect::<Vec<_>>().join("\n") }
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        let first = self.path.iter().next().and_then(|name| name.to_str()).expect("a path that is UTF-8");
        first.trim_end_matches(".rs")
    }

    /// The other top-level modules that it names.
    fn used_modules(&self) -> impl Iterator<Item = &str> {
        let paths = self.code.split("crate::").skip(1);
        let names = paths.filter_map(|path| path.split(|each: char| !each.is_alphanumeric() && each != '_').next());
        names.filter(|name| ORDER.contains(name) && *name != self.module())
    }
}

/// The sources of the library, without `lib.rs` and without files that have only tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect_files(&root, &mut files);
    let is_test = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
    files.retain(|file| !is_test(file) && !file.ends_with("src/lib.rs") && !file.starts_with(root.join("bin")));
    files.iter().map(|file| Source::read(&root, file)).collect()
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("list a source folder").flatten() {
        if entry.path().is_dir() {
            collect_files(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

fn rank(module: &str) -> usize {
    ORDER.iter().position(|other| *other == module).unwrap_or_else(|| panic!("the module {module} is not in ORDER"))
}

#[test]
fn a_module_uses_only_modules_before_it() {
    let mut violations = Vec::new();
    for source in sources() {
        let own_rank = rank(source.module());
        let later = source.used_modules().filter(|used| rank(used) > own_rank);
        violations.extend(later.map(|used| format!("{} uses {used}", source.path.display())));
    }
    assert!(violations.is_empty(), "modules that use later ones: {violations:#?}");
}

#[test]
fn amiquip_is_named_in_one_folder_only() {
    let others = sources().into_iter().filter(|source| !source.path.starts_with(AMIQUIP_FOLDER));
    let violations: Vec<PathBuf> =
        others.filter(|source| source.code.contains("amiquip::")).map(|it| it.path).collect();
    assert!(violations.is_empty(), "files outside {AMIQUIP_FOLDER} that name amiquip: {violations:?}");
}
