//! What was received: frames, in place.

use std::io::{self, Read};

use super::{AROUND_PAYLOAD, FRAME_END, LARGEST_FRAME, Method};

/// Four of the largest frames, so that one read takes as much as the kernel has.
const CAPACITY: usize = 4 * (LARGEST_FRAME as usize + AROUND_PAYLOAD);

const FRAME_HEADER: usize = 7;

/// A buffer of frames.
#[derive(Debug)]
pub struct Inbox {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// A frame, where it was read to.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'b> {
    /// [`super::METHOD`] and so on.
    pub kind: u8,
    /// The channel.
    pub channel: u16,
    /// What is in it.
    pub payload: &'b [u8],
    /// All of it, as it travels.
    pub whole: &'b [u8],
}

impl Default for Inbox {
    fn default() -> Self {
        Self { buffer: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0 }
    }
}

impl Inbox {
    /// Reads once from `source`, and returns how much that was.
    ///
    /// # Errors
    /// When nothing can be read, or never again.
    pub fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match source.read(&mut self.buffer[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(read)
            }
        }
    }

    /// The next frame, if all of it is here.
    ///
    /// # Errors
    /// When it is none.
    pub fn take(&mut self) -> io::Result<Option<Frame<'_>>> {
        let there = &self.buffer[self.start..self.end];
        let [kind, c0, c1, s0, s1, s2, s3, ..] = *there else { return Ok(None) };
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        if size > LARGEST_FRAME as usize {
            return Err(io::Error::other("a frame that is too large"));
        }
        let Some(whole) = there.get(..size + AROUND_PAYLOAD) else { return Ok(None) };
        if whole[FRAME_HEADER + size] != FRAME_END {
            return Err(io::Error::other("a frame without its end"));
        }
        self.start += whole.len();
        let payload = &whole[FRAME_HEADER..][..size];
        Ok(Some(Frame { kind, channel: u16::from_be_bytes([c0, c1]), payload, whole }))
    }
}

impl<'b> Frame<'b> {
    /// The method in it, and what is after its name.
    #[must_use]
    pub fn method(&self) -> (Method, Arguments<'b>) {
        let mut arguments = Arguments(self.payload);
        (Method(arguments.long()), arguments)
    }

    /// The tag of the delivery that this method begins, if it does.
    #[must_use]
    pub fn delivery_tag(&self) -> Option<u64> {
        let (Method::BASIC_DELIVER, mut arguments) = self.method() else { return None };
        arguments.text();
        Some(arguments.long_long())
    }

    /// The size of the body that this header announces.
    #[must_use]
    pub fn body_size(&self) -> usize {
        let mut fields = Arguments(&self.payload[4..]);
        usize::try_from(fields.long_long()).expect("64 bits")
    }
}

/// The arguments of a method, taken one by one. What is missing reads as zeros.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'b>(&'b [u8]);

impl<'b> Arguments<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn number(&mut self, length: usize) -> u64 {
        self.take(length).iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// One byte.
    pub fn octet(&mut self) -> u8 {
        u8::try_from(self.number(1)).expect("one byte")
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        u16::try_from(self.number(2)).expect("two bytes")
    }

    /// Four bytes.
    pub fn long(&mut self) -> u32 {
        u32::try_from(self.number(4)).expect("four bytes")
    }

    /// Eight bytes.
    pub fn long_long(&mut self) -> u64 {
        self.number(8)
    }

    /// A short text.
    pub fn text(&mut self) -> &'b str {
        let length = self.octet().into();
        std::str::from_utf8(self.take(length)).unwrap_or_default()
    }
}
