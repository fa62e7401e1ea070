//! The stream that amiquip reads and writes: its transport is read in large pieces, checked frame by frame, and bounded by the
//! read limiter; it is written through the frame writer.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use mio::event::Evented;
use mio::net::TcpStream;
use mio::{Poll, PollOpt, Ready, Registration, Token};

use super::frame_writer::FrameWriter;
use super::frames::FrameScanner;
use super::read_limiter::{ReadAllowance, ReadLimiter};
use super::transport::Transport;

/// The size of one read of the socket; amiquip by itself reads 4 KiB at a time.
const BUFFER: usize = 128 * 1024;

/// The size of one read while reading is paused.
const KEEP_ALIVE_READ: usize = 16 * 1024;

/// How much is read before amiquip gets a chance to send heartbeats: it reads for as long as there is something to
/// read.
const MAX_BURST: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Stream {
    /// For its events only.
    socket: TcpStream,
    transport: Arc<Transport>,
    read_limiter: Arc<ReadLimiter>,
    writer: Arc<FrameWriter>,
    /// Through which the read limiter wakes the event loop that reads the socket.
    wake_up: Registration,
    frames: FrameScanner,
    buffer: Box<[u8]>,
    /// The part of the buffer that amiquip has not read.
    unread: Range<usize>,
    /// How much was read since the last break.
    burst: usize,
}

impl Stream {
    /// A stream that buffers about `limit` bytes of message bodies before it stops reading.
    pub(super) fn new(socket: TcpStream, transport: Arc<Transport>, writer: Arc<FrameWriter>, limit: usize) -> Self {
        let (wake_up, reader) = Registration::new2();
        Self {
            socket,
            transport,
            read_limiter: Arc::new(ReadLimiter::new(limit, reader)),
            writer,
            wake_up,
            frames: FrameScanner::default(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            unread: 0..0,
            burst: 0,
        }
    }

    pub(super) fn read_limiter(&self) -> &Arc<ReadLimiter> {
        &self.read_limiter
    }

    fn fill(&mut self) -> io::Result<()> {
        let max = match self.read_limiter.allowance() {
            ReadAllowance::Unlimited => BUFFER,
            ReadAllowance::KeepAlive => KEEP_ALIVE_READ,
            ReadAllowance::Paused => return Err(io::ErrorKind::WouldBlock.into()),
        };
        if self.burst >= MAX_BURST {
            self.burst = 0;
            self.read_limiter.wake();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.transport.read(&mut self.buffer[..max]).inspect_err(|_| self.burst = 0)?;
        self.burst += read;
        self.read_limiter.received(read, self.frames.scan(&self.buffer[..read])?);
        self.unread = 0..read;
        if let Some(max_frame) = self.frames.max_frame() {
            self.writer.limit_frames(max_frame);
        }
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            // What the socket did not accept from the thread that published it.
            self.writer.flush().map_err(io::Error::other)?;
            self.fill()?;
        }
        let length = self.unread.len().min(into.len());
        into[..length].copy_from_slice(&self.buffer[self.unread.start..][..length]);
        self.unread.start += length;
        Ok(length)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write_for_amiquip(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map(drop).map_err(io::Error::other)
    }
}

impl Evented for Stream {
    fn register(&self, poll: &Poll, token: Token, interest: Ready, options: PollOpt) -> io::Result<()> {
        self.wake_up.register(poll, token, Ready::readable(), PollOpt::edge())?;
        self.socket.register(poll, token, interest, options)
    }

    fn reregister(&self, poll: &Poll, token: Token, interest: Ready, options: PollOpt) -> io::Result<()> {
        self.socket.reregister(poll, token, interest, options)
    }

    fn deregister(&self, poll: &Poll) -> io::Result<()> {
        Evented::deregister(&self.wake_up, poll)?;
        self.socket.deregister(poll)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.writer.close();
    }
}

impl amiquip::IoStream for Stream {}
