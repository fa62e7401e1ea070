//! On what, and with what, it was measured.

use std::fs;
use std::process::Command;
use std::thread;

use serde::Serialize;

/// On what, and with what, it was measured.
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
    pub(crate) fn look() -> Self {
        Self {
            date: said("date", &["-u", "+%F"]),
            commit: said("git", &["rev-parse", "--short", "HEAD"]),
            processor: line_of("/proc/cpuinfo", "model name"),
            processors: thread::available_parallelism().map_or(0, usize::from),
            memory_gb: line_of("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0_u64) >> 20,
            system: format!("{}, Linux {}", line_of("/etc/os-release", "PRETTY_NAME"), said("uname", &["-r"])),
            versions: versions(),
            load_before: load(),
            load_after: String::new(),
        }
    }

    /// Looks again at what may have changed meanwhile.
    pub(crate) fn look_again(&mut self) {
        self.load_after = load();
    }

    /// Whether it had other things to do than to measure.
    pub(crate) fn was_busy(&self) -> bool {
        /// Half a processor, over the last minute.
        const BUSY: f64 = 0.5;
        self.load_before.split(' ').next().and_then(|load| load.parse::<f64>().ok()).is_some_and(|load| load > BUSY)
    }

    /// In a few lines.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{date}, commit {commit}; {processors} × {processor}, {memory} GB; {system}; {versions}. Load (1, 5, 15 min) \
             before {before}, after {after}.",
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
    let of_package = |package| said("dpkg-query", &["-W", "-f", "${Package} ${Version}", package]);
    let packages = ["rabbitmq-server", "librabbitmq-dev", "python3-pika", "valgrind"].map(of_package);
    let rust = said("rustc", &["--version"]);
    let all = [rust].into_iter().chain(packages).filter(|version| !version.is_empty());
    all.collect::<Vec<_>>().join(", ")
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// What stands behind `name` in a file of such lines.
fn line_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
