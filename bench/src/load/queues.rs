//! Prepares and inspects the queues.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use echo_bench::config::{INPUT_QUEUE, LOG_QUEUE, OUTPUT_QUEUE};
use echo_bench::wire::{Address, Client};

const CHANNEL: u16 = 1;

/// The time between two queries of a queue, and how many are made.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
const POLLS: u32 = 2000;

/// A connection for managing the queues.
#[derive(Debug)]
pub(crate) struct Queues {
    client: Client,
}

/// What the broker reports about a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueStatus {
    /// Messages that are not delivered yet.
    pub(crate) ready: u32,
    pub(crate) consumers: u32,
}

impl Queues {
    pub(crate) fn connect(address: &Address) -> Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        Ok(Self { client })
    }

    /// Deletes and redeclares all queues.
    pub(crate) fn reset(&mut self, persistent: bool) -> Result<()> {
        self.reset_input()?;
        self.reset_outputs(persistent)
    }

    /// Deletes and redeclares the input queue.
    pub(crate) fn reset_input(&mut self) -> Result<()> {
        self.redeclare(INPUT_QUEUE, true)
    }

    /// Deletes and redeclares the output queue and the log queue.
    ///
    /// Contestants always publish persistent messages. The broker writes them to disk only if the queue is durable, so a
    /// transient workload needs nothing but an output queue that is not.
    pub(crate) fn reset_outputs(&mut self, persistent: bool) -> Result<()> {
        self.redeclare(OUTPUT_QUEUE, persistent)?;
        self.redeclare(LOG_QUEUE, true)
    }

    /// The status of the input queue.
    pub(crate) fn input_status(&mut self) -> Result<QueueStatus> {
        let (ready, consumers) = self.client.declare_queue(CHANNEL, INPUT_QUEUE, true)?;
        Ok(QueueStatus { ready, consumers })
    }

    /// Waits until the input queue has exactly `count` consumers.
    pub(crate) fn await_consumers(&mut self, count: u32) -> Result<()> {
        for _ in 0..POLLS {
            if self.input_status()?.consumers == count {
                return Ok(());
            }
            thread::sleep(POLL_INTERVAL);
        }
        bail!("the number of consumers of the input queue did not become {count}")
    }

    fn redeclare(&mut self, queue: &str, durable: bool) -> Result<()> {
        self.client.delete_queue(CHANNEL, queue)?;
        self.client.declare_queue(CHANNEL, queue, durable)?;
        Ok(())
    }
}
