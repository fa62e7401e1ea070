//! Consumes a queue as fast as messages arrive, and counts them.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use echo_bench::wire::{Address, Client, FrameKind};
use parking_lot::{Condvar, Mutex};

const CHANNEL: u16 = 1;

/// Deliveries that the broker may send ahead. They are acknowledged: without acknowledgements the broker would not
/// write persistent messages to disk.
const PREFETCH: u16 = 8192;

/// A thread that consumes a queue until the consumer is dropped.
#[derive(Debug)]
pub(crate) struct Consumer {
    shared: Arc<Shared>,
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    arrivals: Mutex<Arrivals>,
    changed: Condvar,
}

/// How many messages have arrived, and when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals {
    /// The number of messages.
    pub(crate) count: u64,
    /// When the first read returned messages, and how many.
    first: Option<(Instant, u64)>,
    /// When the last read returned messages.
    last: Option<Instant>,
}

impl Consumer {
    /// Starts to consume `queue`.
    pub(crate) fn start(address: &Address, queue: &str) -> io::Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        client.consume(CHANNEL, queue, PREFETCH)?;
        let stream = client.stream.try_clone()?;
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            // Bytes of the current body that are still to come.
            let mut unreceived = 0;
            // The loop ends with the error that `drop` causes by shutting down the socket.
            move || while receive(&mut client, &mut unreceived, &shared).is_ok() {}
        });
        Ok(Self { shared, stream, thread: Some(thread) })
    }

    /// What has arrived so far.
    pub(crate) fn arrivals(&self) -> Arrivals {
        self.shared.arrivals.lock().clone()
    }

    /// Waits until `count` messages have arrived, for at most `limit`, and returns what has arrived by then.
    pub(crate) fn wait(&self, count: u64, limit: Duration) -> Arrivals {
        let mut arrivals = self.shared.arrivals.lock();
        self.shared.changed.wait_while_for(&mut arrivals, |arrivals| arrivals.count < count, limit);
        arrivals.clone()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Fails if the broker has closed the connection, in which case the thread ends as well.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already printed.
            let _ = thread.join();
        }
    }
}

impl Arrivals {
    /// Messages per second between the first and the last arrival.
    pub(crate) fn rate(&self) -> Option<f64> {
        let ((first, count_at_first), last) = (self.first?, self.last?);
        let seconds = last.duration_since(first).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 messages")]
        let count = (self.count - count_at_first) as f64;
        (seconds > 0.0).then(|| count / seconds)
    }

    /// When the last message arrived.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.last
    }

    /// The same arrivals with the end of the measured time moved to `last`, if that is later.
    pub(crate) fn extended_to(self, last: Option<Instant>) -> Self {
        Self { last: self.last.max(last), ..self }
    }
}

/// Reads once, counts the messages that were completed and acknowledges them.
fn receive(client: &mut Client, unreceived: &mut usize, shared: &Shared) -> io::Result<()> {
    client.input.read_from(&mut client.stream)?;
    let now = Instant::now();
    let (mut completed, mut tag) = (0, None);
    while let Some(frame) = client.input.next_frame()? {
        match frame.kind {
            FrameKind::METHOD => tag = frame.delivery_tag().or(tag),
            FrameKind::HEADER => *unreceived = frame.body_size(),
            FrameKind::BODY => {
                *unreceived -= frame.payload.len();
                completed += u64::from(*unreceived == 0);
            }
            _ => {}
        }
    }
    shared.record(completed, now);
    if let Some(tag) = tag {
        client.output.put_ack_multiple(CHANNEL, tag);
        client.output.flush(&mut client.stream)?;
    }
    Ok(())
}

impl Shared {
    fn record(&self, completed: u64, now: Instant) {
        if completed == 0 {
            return;
        }
        let mut arrivals = self.arrivals.lock();
        arrivals.count += completed;
        arrivals.first.get_or_insert((now, completed));
        arrivals.last = Some(now);
        drop(arrivals);
        self.changed.notify_all();
    }
}
