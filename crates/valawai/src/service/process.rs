//! What the system knows of this process.

use std::fs;

/// The ticks in which Linux counts CPU time. It reports the same number on every machine.
const TICKS_PER_SECOND: u64 = 100;

/// The resident memory, in kB; 0 if it is not known.
#[must_use]
pub fn memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The CPU time of all threads, in milliseconds; 0 if it is not known.
#[must_use]
pub fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may contain spaces. User and system time are the 14th and 15th field.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let times = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    times.sum::<u64>() * 1000 / TICKS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn memory_and_cpu_time_are_known() {
        assert!(memory_kb() > 100);
        let (before, began) = (cpu_ms(), Instant::now());
        while cpu_ms() < before + 20 {
            assert!(began.elapsed() < Duration::from_secs(60), "the CPU time does not grow");
        }
    }
}
