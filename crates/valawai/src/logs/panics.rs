//! Reports panics in one line on the standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

use crate::escaped::Escaped;

/// Installs the panic hook. It does not use the log, which may be what panicked; callers that catch a panic log it as well.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| format!("\n{backtrace}"));
        let text = describe(info, thread::current().name().unwrap_or("unnamed"));
        eprintln!("{}", Escaped(&(text + &backtrace.unwrap_or_default())));
    }));
}

fn describe(info: &PanicHookInfo<'_>, thread: &str) -> String {
    let place = info.location().map(|location| format!(" at {location}")).unwrap_or_default();
    format!("the thread {thread} panicked{place}: {}", info.payload_as_str().unwrap_or("no message"))
}
