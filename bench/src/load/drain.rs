//! Takes out what is said, as fast as it comes, and notes when it came.

use std::io;
use std::net::Shutdown;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use echo_bench::wire::{Address, BODY, Client, HEADER, METHOD};

const CHANNEL: u16 = 1;

/// Messages in hand. They are acknowledged, or the broker would not have to keep even those that are persistent.
const PREFETCH: u16 = 8192;

/// A thread that takes messages out of a queue until it is dropped.
#[derive(Debug)]
pub(crate) struct Drain {
    shared: Arc<Shared>,
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    changed: Condvar,
}

/// What came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Messages.
    pub(crate) count: u64,
    /// Bytes in them.
    pub(crate) bytes: u64,
    /// When the first ones came, and how many those were.
    first: Option<(Instant, u64)>,
    /// When the last ones came.
    last: Option<Instant>,
}

impl Drain {
    /// Starts to take out what is in `queue`.
    pub(crate) fn start(address: &Address, queue: &str) -> io::Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        client.consume(CHANNEL, queue, PREFETCH)?;
        let stream = client.stream.try_clone()?;
        let shared = Arc::new(Shared::default());
        let notes = Arc::clone(&shared);
        // The end of the connection ends it, and nothing else can.
        let mut missing = 0;
        let thread = thread::spawn(move || while take_out(&mut client, &mut missing, &notes).is_ok() {});
        Ok(Self { shared, stream, thread: Some(thread) })
    }

    /// What has come so far.
    pub(crate) fn tally(&self) -> Tally {
        self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many messages have come, and returns what has come at that time or after `limit`.
    pub(crate) fn wait(&self, count: u64, limit: Duration) -> Tally {
        let tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.changed.wait_timeout_while(tally, limit, |tally| tally.count < count);
        waited.map_or_else(|error| error.into_inner().0.clone(), |(tally, _)| tally.clone())
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // It may be shut already, which is what we want.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Tally {
    /// Messages a second, from the first to the last.
    pub(crate) fn rate(&self) -> Option<f64> {
        let ((first, at_first), last) = (self.first?, self.last?);
        let seconds = last.duration_since(first).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "there are not so many messages")]
        let count = (self.count - at_first) as f64;
        (seconds > 0.0).then(|| count / seconds)
    }

    /// When the last one came.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.last
    }

    /// As if the last one had come at `last`.
    pub(crate) fn until(self, last: Option<Instant>) -> Self {
        Self { last: self.last.max(last), ..self }
    }
}

fn take_out(client: &mut Client, missing: &mut usize, shared: &Shared) -> io::Result<()> {
    client.inbox.fill(&mut client.stream)?;
    let now = Instant::now();
    let (mut count, mut bytes, mut tag) = (0, 0, 0);
    while let Some(frame) = client.inbox.take()? {
        match frame.kind {
            METHOD => tag = frame.delivery_tag().unwrap_or(tag),
            HEADER => *missing = frame.body_size(),
            BODY => {
                *missing -= frame.payload.len();
                bytes += frame.payload.len() as u64;
                count += u64::from(*missing == 0);
            }
            _ => {}
        }
    }
    let mut tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.count += count;
    tally.bytes += bytes;
    if tally.count > 0 {
        let count = tally.count;
        tally.first.get_or_insert((now, count));
        tally.last = Some(now);
    }
    drop(tally);
    shared.changed.notify_all();
    acknowledge(client, tag)
}

fn acknowledge(client: &mut Client, tag: u64) -> io::Result<()> {
    if tag > 0 {
        client.outbox.acknowledge_up_to(CHANNEL, tag);
        client.outbox.flush(&mut client.stream)?;
    }
    Ok(())
}
