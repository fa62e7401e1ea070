//! The socket as amiquip is given it: read in large pieces, checked frame by frame, and bounded by the read_limiter.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::event::Evented;
use mio::net::TcpStream;
use mio::{Poll, PollOpt, Ready, Registration, Token};

use super::frames::FrameScanner;
use super::read_limiter::{ReadAllowance, ReadLimiter};

/// One read of the socket. amiquip alone reads 4 KiB at a time.
const BUFFER: usize = 128 * 1024;

/// One read while the read_limiter is shut.
const TRICKLE: usize = 16 * 1024;

/// So much is read without a break. amiquip reads as long as there is something, and sends heartbeats in between.
const AT_ONCE: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    /// Wakes the event loop that reads the socket when the read_limiter opens.
    opened: Registration,
    read_limiter: Arc<ReadLimiter>,
    frames: FrameScanner,
    buffer: Box<[u8]>,
    unread: std::ops::Range<usize>,
    /// Read since the last break.
    at_once: usize,
}

impl Stream {
    /// `socket`, bounded so that no more than about `limit` bytes of message bodies are received and not taken.
    pub(super) fn new(socket: TcpStream, limit: usize) -> Self {
        let (opened, reader) = Registration::new2();
        Self {
            socket,
            opened,
            read_limiter: Arc::new(ReadLimiter::new(limit, reader)),
            frames: FrameScanner::new(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            unread: 0..0,
            at_once: 0,
        }
    }

    pub(super) fn read_limiter(&self) -> &Arc<ReadLimiter> {
        &self.read_limiter
    }

    fn fill(&mut self) -> io::Result<()> {
        let most = match self.read_limiter.allowance() {
            ReadAllowance::Free => BUFFER,
            ReadAllowance::Trickle => TRICKLE,
            ReadAllowance::Shut => return Err(io::ErrorKind::WouldBlock.into()),
        };
        if self.at_once >= AT_ONCE {
            self.at_once = 0;
            self.read_limiter.wake();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.socket.read(&mut self.buffer[..most]).inspect_err(|_| self.at_once = 0)?;
        self.at_once += read;
        self.read_limiter.received(read, self.frames.follow(&self.buffer[..read])?);
        self.unread = 0..read;
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
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
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Evented for Stream {
    fn register(&self, poll: &Poll, token: Token, interest: Ready, options: PollOpt) -> io::Result<()> {
        self.opened.register(poll, token, Ready::readable(), PollOpt::edge())?;
        self.socket.register(poll, token, interest, options)
    }

    fn reregister(&self, poll: &Poll, token: Token, interest: Ready, options: PollOpt) -> io::Result<()> {
        self.socket.reregister(poll, token, interest, options)
    }

    fn deregister(&self, poll: &Poll) -> io::Result<()> {
        Evented::deregister(&self.opened, poll)?;
        self.socket.deregister(poll)
    }
}

impl amiquip::IoStream for Stream {}
