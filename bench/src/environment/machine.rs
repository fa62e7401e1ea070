//! The machine and the versions of the software that the results depend on.

use std::fs;
use std::process::Command;
use std::thread;

use serde::Serialize;

/// A machine is busy if more than half a processor was in use during the minute before the benchmark.
const BUSY_LOAD: f64 = 0.5;

/// The machine and the versions of the software that the results depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    date: String,
    commit: String,
    processor: String,
    processors: usize,
    memory_gb: u64,
    system: String,
    versions: String,
    load_before: String,
    load_after: String,
}

impl Machine {
    /// Reads everything that is known before the benchmark.
    pub(crate) fn inspect() -> Self {
        Self {
            date: output_of("date", &["-u", "+%F"]),
            commit: output_of("git", &["rev-parse", "--short", "HEAD"]),
            processor: value_in("/proc/cpuinfo", "model name"),
            processors: thread::available_parallelism().map_or(0, usize::from),
            memory_gb: value_in("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0_u64) >> 20,
            system: format!("{}, Linux {}", value_in("/etc/os-release", "PRETTY_NAME"), output_of("uname", &["-r"])),
            versions: versions(),
            load_before: load_average(),
            load_after: String::new(),
        }
    }

    /// Records the load at the end of the benchmark.
    pub(crate) fn record_load_after(&mut self) {
        self.load_after = load_average();
    }

    /// Whether other programs used the machine before the benchmark started.
    pub(crate) fn was_busy(&self) -> bool {
        let last_minute = self.load_before.split(' ').next().and_then(|load| load.parse::<f64>().ok());
        last_minute.is_some_and(|load| load > BUSY_LOAD)
    }

    /// A paragraph for the report.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{date}, commit {commit}; {processors} × {processor}, {memory} GB; {system}; {versions}. \
             Load average (1, 5, 15 min) before: {before}; after: {after}.",
            date = self.date,
            commit = self.commit,
            processors = self.processors,
            processor = self.processor,
            memory = self.memory_gb,
            system = self.system,
            versions = self.versions,
            before = self.load_before,
            after = self.load_after,
        )
    }
}

fn versions() -> String {
    let package = |name| output_of("dpkg-query", &["-W", "-f", "${Package} ${Version}", name]);
    let packages = ["rabbitmq-server", "librabbitmq-dev", "python3-pika", "valgrind"].map(package);
    let rust = output_of("rustc", &["--version"]);
    let known = [rust].into_iter().chain(packages).filter(|version| !version.is_empty());
    known.collect::<Vec<_>>().join(", ")
}

fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The value of `key` in a file with one key and value per line. Empty if it is unknown.
fn value_in(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    value.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').to_owned()
}

/// The standard output of a program. Empty if the program is not installed.
fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
