//! The identifiers the MOV's database gives to documents: 24 hexadecimal digits, growing with time.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(String);

impl Id {
    /// One that no simulator on this machine gave before.
    pub(crate) fn fresh() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed) & 0xFF_FFFF;
        let nanos = since_epoch().subsec_nanos();
        let process = process::id() & 0xFFFF;
        // The seconds first, then what tells processes apart, then the counter, as that database does.
        Self(format!("{:08x}{process:04x}{:06x}{counter:06x}", now(), (nanos >> 6) & 0xFF_FFFF))
    }

    /// Only 24 hexadecimal digits are one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Seconds since 1970, rounded to the nearest, as in all of the MOV's messages.
pub(crate) fn now() -> u64 {
    let since = since_epoch();
    since.as_secs() + u64::from(since.subsec_millis() >= 500)
}

fn since_epoch() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
