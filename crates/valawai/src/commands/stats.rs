//! `stats`: what the running processes have done.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;

use super::arguments::Command;
use super::console::{BOLD, Cell, Console, RED, Table, YELLOW};
use super::exit::{Exit, Stop};
use super::instances::{Address, Instances, Waiting};
use super::invocation::Invocation;
use super::time::{format_time, parse_duration};
use crate::service::protocol::{Answer, Content, Request, Stats as StatsAnswer};

/// Print what the running processes have done: messages by channel, handler times, errors, memory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo stats
  c1_echo stats --watch
  valawai stats all --json

The counters begin with the process. `p50` and `p99` are the times that half, and one in a hundred, of the calls of the handler
exceed, at most a quarter too large.

Permissions: configure '^$', write '^valawai\\.service$', read '^$'.
The exit code is 1 if nobody answers.")]
pub(super) struct Stats {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    waiting: Waiting,
    /// Print again and again, with rates
    #[arg(long)]
    watch: bool,
    /// The pause between two prints
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = parse_duration, requires = "watch")]
    interval: Duration,
}

impl Command for Stats {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let receivers = self.address.receivers(invocation)?;
        let operator = invocation.connect()?;
        let channel = operator.open_for_requests()?;
        let mut instances = Instances::new(invocation, &channel)?;
        let mut view = View { console: &invocation.console, is_watching: self.watch, before: HashMap::new() };
        // While watching, the time for answers is part of the interval.
        let timeout = if self.watch { self.waiting.timeout.min(self.interval) } else { self.waiting.timeout };
        let waiting = Waiting { timeout, ..self.waiting.clone() };
        loop {
            let began = Instant::now();
            let answers = instances.answers(&Request::Stats {}, &receivers, &waiting)?;
            if invocation.is_interrupted() {
                return Ok(if self.watch { Exit::Done } else { Exit::Interrupted });
            }
            if answers.is_empty() {
                return Err(receivers.nobody_answers());
            }
            view.start()?;
            for reply in answers {
                if invocation.console.is_json() {
                    invocation.console.object(&reply.json)?;
                } else if let Answer { component, instance, version, content: Content::Stats(stats) } = reply.answer {
                    view.print(&format!("{component} {version}, instance {instance}"), &stats)?;
                }
            }
            if !self.watch {
                return Ok(Exit::Done);
            }
            invocation.pause(self.interval.saturating_sub(began.elapsed()));
        }
    }
}

/// The tables, and the counters of those before.
struct View<'c> {
    console: &'c Console,
    is_watching: bool,
    before: HashMap<String, (Instant, u64)>,
}

impl View<'_> {
    /// A new screen.
    fn start(&self) -> Result<(), Stop> {
        if self.is_watching && !self.console.is_json() { self.console.clear().map_err(Stop::from) } else { Ok(()) }
    }

    fn print(&mut self, title: &str, stats: &StatsAnswer) -> Result<(), Stop> {
        self.console.line(self.console.paint(BOLD, Console::clean(title)))?;
        let mut table = Table::new([
            "channel",
            "received",
            "replied",
            "retried",
            "dead",
            "dropped",
            "requeued",
            "published",
            "rate",
            "mean",
            "p50",
            "p99",
            "max",
            "note",
        ]);
        for channel in &stats.channels {
            let messages = channel.received + channel.published;
            if messages == 0 && !channel.paused {
                continue;
            }
            let time = channel.handler_time;
            let failures = |count: u64| {
                let cell = Cell::number(count);
                if count > 0 { cell.styled(YELLOW) } else { cell }
            };
            let note = if channel.paused { Cell::text("paused").styled(RED) } else { Cell::text("") };
            table.row([
                Cell::text(&channel.channel),
                Cell::number(channel.received),
                Cell::number(channel.replied),
                failures(channel.retried),
                failures(channel.dead_lettered),
                failures(channel.discarded),
                failures(channel.requeued),
                Cell::number(channel.published),
                Cell::number(self.rate(&format!("{title} {}", channel.channel), messages)),
                Cell::number(micros(time.mean_us)),
                Cell::number(micros(time.p50_us)),
                Cell::number(micros(time.p99_us)),
                Cell::number(micros(time.max_us)),
                note,
            ]);
        }
        self.console.table(&table)?;
        for channel in &stats.channels {
            if let Some(error) = &channel.last_error {
                let text =
                    format!("last error on {}, {} UTC: {}", channel.channel, format_time(error.at), error.reason);
                self.console.line(self.console.paint(RED, Console::clean(text)))?;
            }
        }
        let observed = if stats.observers > 0 { format!(", observed by {}", stats.observers) } else { String::new() };
        let blocked = if stats.blocked { ", blocked by the broker" } else { "" };
        self.console.line(format!(
            "{} in flight, {} unroutable, {} reconnects{observed}{blocked}; {} MB, {:.1} s of CPU, up {} s\n",
            stats.in_flight,
            stats.unroutable,
            stats.reconnects,
            stats.memory_kb / 1024,
            Duration::from_millis(stats.cpu_ms).as_secs_f64(),
            stats.uptime_s,
        ))?;
        Ok(())
    }

    /// The messages a second since the last print.
    fn rate(&mut self, key: &str, count: u64) -> String {
        let now = Instant::now();
        let Some((at, before)) = self.before.insert(key.to_owned(), (now, count)) else { return String::new() };
        #[expect(clippy::cast_precision_loss, reason = "the rate is for people")]
        let rate = count.saturating_sub(before) as f64 / (now - at).as_secs_f64();
        format!("{rate:.0}/s")
    }
}

/// A duration for people, in three digits.
fn micros(micros: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is for people")]
    let value = micros as f64;
    match micros {
        0 => "-".to_owned(),
        1..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", value / 1e3),
        _ => format!("{:.1} s", value / 1e6),
    }
}
