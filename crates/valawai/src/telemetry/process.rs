//! What the system knows of this process, by the names that all clients of Prometheus give it.

use std::fs;
use std::time::Duration;

/// The kernel's unit of time for user space; it is the same on all platforms that Linux has today.
const TICKS_PER_SECOND: u64 = 100;

/// What is left out is not known.
#[derive(Debug, Default)]
pub(super) struct ProcessStats {
    pub(super) cpu: Option<Duration>,
    pub(super) open_files: Option<u64>,
    pub(super) max_files: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    /// In seconds since 1970.
    pub(super) started: Option<f64>,
}

impl ProcessStats {
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (stat, status, limits) = (text("/proc/self/stat"), text("/proc/self/status"), text("/proc/self/limits"));
        let kilobytes = |name| number_after(&status, name).map(|kilobytes| kilobytes * 1024);
        let ticks = |index| field(&stat, index);
        Self {
            cpu: ticks(14).zip(ticks(15)).map(|(user, system)| since(user + system)),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1) as u64),
            max_files: number_after(&limits, "Max open files"),
            virtual_bytes: kilobytes("VmSize:"),
            resident_bytes: kilobytes("VmRSS:"),
            started: number_after(&text("/proc/stat"), "btime")
                .zip(ticks(22))
                .map(|(boot, ticks)| Duration::from_secs(boot).as_secs_f64() + since(ticks).as_secs_f64()),
        }
    }
}

fn since(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// The first number after `name`, which begins a line.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A field of `/proc/self/stat`, from 1. The second is the name of the program, in parentheses; it may contain spaces.
fn field(stat: &str, index: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split_whitespace().nth(index - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn all_is_known_on_this_system() {
        let before = ProcessStats::read();
        let file = fs::File::open("/proc/self/stat").unwrap();
        let ProcessStats { cpu, open_files, max_files, virtual_bytes, resident_bytes, started } = ProcessStats::read();
        drop(file);
        assert!(cpu.is_some() && resident_bytes > Some(100_000) && virtual_bytes > resident_bytes);
        assert!(open_files > Some(3) && max_files >= open_files && before.open_files > Some(3));
        let now = Duration::from_secs(clock::seconds()).as_secs_f64();
        let age = now - started.unwrap();
        assert!((-2.0..100_000.0).contains(&age), "the process started {age} s ago");
    }

    #[test]
    fn the_name_of_the_program_may_have_spaces_and_parentheses() {
        assert_eq!(field("1 (a ) b) S 4 5", 4), Some(4));
        assert_eq!(field("", 4), None);
    }
}
