//! Workloads: the messages that a contestant echoes.

/// The messages that a contestant echoes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// The bytes of a body.
    pub(crate) size: usize,
    /// Whether the broker writes messages and replies to disk.
    pub(crate) persistent: bool,
    /// Whether the contestant publishes two log messages for each echo.
    pub(crate) logs: bool,
    /// How many messages are published before the contestant starts.
    pub(crate) count: u64,
}

impl Workload {
    /// The name in results and in `--only`, for example `100 B, persistent, two logs`.
    pub(crate) fn name(&self) -> String {
        let size = match self.size {
            size if size < 1024 => format!("{size} B"),
            size if size < 1024 * 1024 => format!("{} KiB", size / 1024),
            size => format!("{} MiB", size / 1024 / 1024),
        };
        let logs = if self.logs { ", two logs" } else { "" };
        format!("{size}, {}{logs}", persistence(self.persistent))
    }

    /// Whether `word` selects this workload in `--only`: its name, or one of the parts between the commas.
    pub(crate) fn is_selected_by(&self, word: &str) -> bool {
        let name = self.name();
        name == word || name.split(", ").any(|part| part == word)
    }
}

/// The word for persistent or transient messages in names.
pub(crate) fn persistence(persistent: bool) -> &'static str {
    if persistent { "persistent" } else { "transient" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH_LOGS: Workload = Workload { size: 100, persistent: true, logs: true, count: 1 };
    const LARGE: Workload = Workload { size: 64 * 1024, persistent: false, logs: false, count: 1 };

    #[test]
    fn names_say_size_persistence_and_logs() {
        assert_eq!(WITH_LOGS.name(), "100 B, persistent, two logs");
        assert_eq!(LARGE.name(), "64 KiB, transient");
    }

    #[test]
    fn a_workload_is_selected_by_its_name_or_one_part_of_it() {
        assert!(WITH_LOGS.is_selected_by("100 B, persistent, two logs"));
        assert!(WITH_LOGS.is_selected_by("persistent"));
        assert!(WITH_LOGS.is_selected_by("two logs"));
        assert!(!WITH_LOGS.is_selected_by("100 B, persistent"));
        assert!(!LARGE.is_selected_by("4 KiB"));
    }
}
