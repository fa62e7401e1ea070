//! Progress bars: only on a terminal, and only for what takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done within this time shows no bar.
const DELAY: Duration = Duration::from_secs(1);

const TEMPLATE: &str = "{wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left";
const WITHOUT_TOTAL: &str = "{spinner} {human_pos}  {per_sec}  {elapsed}";

/// How much of the work is done. The bar disappears when this is dropped.
pub(in crate::commands) struct Progress {
    start: Instant,
    done: u64,
    total: u64,
    is_terminal: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `total` is 0 if it is not known.
    pub(super) fn new(total: u64, is_terminal: bool) -> Self {
        Self { start: Instant::now(), done: 0, total, is_terminal, bar: None }
    }

    /// One more item is done.
    pub(in crate::commands) fn step(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        } else if self.is_terminal && self.start.elapsed() > DELAY {
            self.bar = Some(self.bar());
        }
    }

    fn bar(&self) -> ProgressBar {
        let (length, template) = if self.total == 0 { (None, WITHOUT_TOTAL) } else { (Some(self.total), TEMPLATE) };
        let bar =
            ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_elapsed(self.start.elapsed());
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        bar.set_position(self.done);
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
