//! Reads frames from a socket.

use std::io::{self, Read};

use super::frame::{END, HEADER_SIZE, OVERHEAD};
use super::{Frame, FrameKind, MAX_FRAME_SIZE};

/// Room for four of the largest frames, so that one system call reads all that the kernel has buffered.
const CAPACITY: usize = 4 * (MAX_FRAME_SIZE as usize + OVERHEAD);

/// A buffer of received bytes that yields frames without copying them.
#[derive(Debug)]
pub struct ReadBuffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self { bytes: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0 }
    }
}

impl ReadBuffer {
    /// Reads once from `source` and returns the number of bytes read.
    ///
    /// # Errors
    /// Returns the error of `source`, or `UnexpectedEof` at its end.
    pub fn read_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match source.read(&mut self.bytes[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.end += count;
                Ok(count)
            }
        }
    }

    /// The next frame, or `None` until all of it has been read.
    ///
    /// # Errors
    /// Fails if the bytes are not a valid frame.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let unread = &self.bytes[self.start..self.end];
        let [kind, c0, c1, s0, s1, s2, s3, ..] = *unread else { return Ok(None) };
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        if size > MAX_FRAME_SIZE as usize {
            return Err(io::Error::other(format!("a frame of {size} bytes exceeds the maximum of {MAX_FRAME_SIZE}")));
        }
        let Some(encoded) = unread.get(..size + OVERHEAD) else { return Ok(None) };
        if encoded[HEADER_SIZE + size] != END {
            return Err(io::Error::other("a frame does not end with the frame-end byte"));
        }
        self.start += encoded.len();
        let payload = &encoded[HEADER_SIZE..][..size];
        Ok(Some(Frame { kind: FrameKind(kind), channel: u16::from_be_bytes([c0, c1]), payload, encoded }))
    }
}
