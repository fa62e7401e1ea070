//! Writes frames to the socket: those of amiquip, and those of published messages, which bypass it.
//!
//! amiquip serializes a message from its beginning again for each of its fields, copies its body several times, and wakes
//! its I/O thread for each of its frames. That was most of the cost of a message. So the thread that publishes writes the
//! frames by itself. They are written between those of amiquip, never inside of one: a frame that was written in part is
//! completed first.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::frames::MAX_FRAME;
use super::transport::Transport;
use crate::broker::Error;

/// Every broker accepts frames of this size.
const MIN_FRAME: u32 = 4096;

/// How much memory is kept for the next frames.
const KEPT_CAPACITY: usize = 4 * 1024 * 1024;

/// Writes to the transport of one connection, from any thread, and never blocks.
#[derive(Debug)]
pub(super) struct FrameWriter {
    state: Mutex<State>,
    /// The largest frame that the broker accepts.
    max_frame: AtomicUsize,
}

#[derive(Debug)]
struct State {
    transport: Arc<Transport>,
    /// Frames of published messages, of which the first `written` bytes are written.
    frames: Vec<u8>,
    written: usize,
    /// Whether amiquip has written a part of a frame.
    is_within_amiquips_frame: bool,
    is_closed: bool,
}

impl FrameWriter {
    pub(super) fn new(transport: Arc<Transport>) -> Self {
        let state =
            State { transport, frames: Vec::new(), written: 0, is_within_amiquips_frame: false, is_closed: false };
        Self { state: Mutex::new(state), max_frame: AtomicUsize::new(MAX_FRAME as usize) }
    }

    /// The largest frame that the broker accepts, in bytes.
    pub(super) fn max_frame(&self) -> usize {
        self.max_frame.load(Ordering::Relaxed)
    }

    /// The broker accepts frames of `bytes`; 0 stands for no limit.
    pub(super) fn limit_frames(&self, bytes: u32) {
        let limit = if bytes == 0 { MAX_FRAME } else { bytes.clamp(MIN_FRAME, MAX_FRAME) };
        self.max_frame.store(limit as usize, Ordering::Relaxed);
    }

    /// Adds the whole frames that `encode` appends. Returns how many bytes wait to be written.
    pub(super) fn add(&self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<usize, Error> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Error::lost("the connection is closed"));
        }
        encode(&mut state.frames);
        Ok(state.unwritten())
    }

    /// Writes what waits, as far as the socket accepts it. Returns how many bytes still wait.
    pub(super) fn flush(&self) -> Result<usize, Error> {
        let mut state = self.state.lock();
        if state.unwritten() > 0 {
            state.flush().map_err(Error::lost)?;
        }
        let is_sent = state.transport.flush().map_err(Error::lost)?;
        Ok(state.unwritten() + usize::from(!is_sent))
    }

    /// Writes `bytes` for amiquip: whole frames, or what is left of them.
    pub(super) fn write_for_amiquip(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.flush()?;
        if !state.is_within_amiquips_frame && state.unwritten() > 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = state.transport.write(bytes)?;
        state.is_within_amiquips_frame = written < bytes.len();
        state.flush()?;
        Ok(written)
    }

    /// Nothing can be published any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.frames = Vec::new();
        state.written = 0;
        state.transport.close();
    }
}

impl State {
    fn unwritten(&self) -> usize {
        self.frames.len() - self.written
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.is_within_amiquips_frame && self.unwritten() > 0 {
            match self.transport.write(&self.frames[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.discard_written();
        Ok(())
    }

    fn discard_written(&mut self) {
        if self.unwritten() == 0 {
            self.frames.clear();
            self.frames.shrink_to(KEPT_CAPACITY);
            self.written = 0;
        } else if self.written > self.unwritten() {
            self.frames.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    const AMIQUIP: u8 = b'a';
    const PUBLISHED: u8 = b'p';

    /// A frame: a letter, its length, and as many letters.
    fn frame(letter: u8, length: u32) -> Vec<u8> {
        let mut frame = vec![letter];
        frame.extend(length.to_be_bytes());
        frame.resize(frame.len() + length as usize, letter);
        frame
    }

    fn connect() -> (FrameWriter, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        (FrameWriter::new(Arc::new(Transport::plain(Arc::new(socket)))), listener.accept().unwrap().0)
    }

    /// Reads frames up to the end of the stream. Returns the number of frames of each kind.
    fn read_frames(mut peer: TcpStream) -> (u32, u32) {
        let (mut amiquips, mut published) = (0, 0);
        let mut header = [0; 5];
        while peer.read_exact(&mut header).is_ok() {
            let [letter, length @ ..] = header;
            let mut body = vec![0; u32::from_be_bytes(length) as usize];
            peer.read_exact(&mut body).unwrap();
            assert!(body.iter().all(|byte| *byte == letter), "a frame was written inside of another");
            match letter {
                AMIQUIP => amiquips += 1,
                PUBLISHED => published += 1,
                _ => panic!("{letter} is not the start of a frame"),
            }
        }
        (amiquips, published)
    }

    /// Writes frames as amiquip does: what is left of its buffer, until all is written.
    fn write_as_amiquip(writer: &FrameWriter, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match writer.write_for_amiquip(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn frames_of_both_kinds_arrive_whole_although_the_socket_accepts_them_in_parts() {
        const COUNT: u32 = 200;
        let (writer, peer) = connect();
        let reader = thread::spawn(move || read_frames(peer));
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..COUNT {
                    write_as_amiquip(&writer, &frame(AMIQUIP, number * 997 % 300_000));
                }
            });
            for number in 0..COUNT {
                let length = number * 1009 % 300_000;
                writer.add(|frames| frames.extend(frame(PUBLISHED, length))).unwrap();
                if number % 3 == 0 {
                    writer.flush().unwrap();
                }
            }
        });
        let start = Instant::now();
        while writer.flush().unwrap() > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "the frames are not written");
            thread::yield_now();
        }
        drop(writer);
        assert_eq!(reader.join().unwrap(), (COUNT, COUNT));
    }

    #[test]
    fn nothing_is_published_on_a_closed_connection() {
        let (writer, _peer) = connect();
        writer.close();
        assert!(writer.add(|frames| frames.push(0)).is_err(), "a message was accepted that nobody will send");
    }
}
