//! What is to be sent.

use std::io::{self, Write};

use super::{AROUND_PAYLOAD, BODY, FRAME_END, HEADER, LARGEST_FRAME, METHOD, Method};

const BASIC: u16 = 60;
const CONTENT_TYPE_AND_DELIVERY_MODE: u16 = 0x9000;
const MANDATORY: u8 = 1;

/// Frames that wait to be written.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// A frame of `kind` with what `fill` puts into it.
    pub fn frame(&mut self, kind: u8, channel: u16, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.push(kind);
        self.bytes.put(channel);
        self.bytes.put(0_u32);
        let payload = self.bytes.len();
        fill(&mut self.bytes);
        let size = u32::try_from(self.bytes.len() - payload).expect("a frame is small");
        self.bytes[start + 3..][..4].copy_from_slice(&size.to_be_bytes());
        self.bytes.push(FRAME_END);
    }

    /// `method` with its arguments.
    pub fn method(&mut self, channel: u16, method: Method, arguments: impl FnOnce(&mut Vec<u8>)) {
        self.frame(METHOD, channel, |bytes| {
            bytes.put(method.0);
            arguments(bytes);
        });
    }

    /// The begin of a mandatory message to `queue`, by the default exchange.
    pub fn publish(&mut self, channel: u16, queue: &str) {
        self.method(channel, Method::BASIC_PUBLISH, |bytes| {
            bytes.put(0_u16);
            bytes.put_text("");
            bytes.put_text(queue);
            bytes.put(MANDATORY);
        });
    }

    /// The header of a JSON message with a body of `size`.
    pub fn header(&mut self, channel: u16, size: usize, persistent: bool) {
        self.frame(HEADER, channel, |bytes| {
            bytes.put(BASIC);
            bytes.put(0_u16);
            bytes.put(size as u64);
            bytes.put(CONTENT_TYPE_AND_DELIVERY_MODE);
            bytes.put_text("application/json");
            bytes.put(if persistent { 2_u8 } else { 1 });
        });
    }

    /// `body`, in as many frames as it needs.
    pub fn body(&mut self, channel: u16, body: &[u8]) {
        for part in body.chunks(LARGEST_FRAME as usize - AROUND_PAYLOAD) {
            self.frame(BODY, channel, |bytes| bytes.extend_from_slice(part));
        }
    }

    /// Acknowledges, or confirms, everything up to `tag`.
    pub fn acknowledge_up_to(&mut self, channel: u16, tag: u64) {
        self.method(channel, Method::BASIC_ACK, |bytes| {
            bytes.put(tag);
            bytes.put(1_u8);
        });
    }

    /// Frames that were made before.
    pub fn copy(&mut self, frames: &[u8]) {
        self.bytes.extend_from_slice(frames);
    }

    /// All that waits, as it will be written.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Writes what `sink` takes; true when nothing waits any more.
    ///
    /// # Errors
    /// When `sink` is broken.
    pub fn flush(&mut self, sink: &mut impl Write) -> io::Result<bool> {
        while self.written < self.bytes.len() {
            match sink.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.clear();
        self.written = 0;
        Ok(true)
    }
}

/// Puts AMQP's values at the end of a buffer.
pub trait PutExt {
    /// A number, its highest byte first.
    fn put(&mut self, number: impl Number);

    /// A short text.
    fn put_text(&mut self, text: &str);

    /// A long text.
    fn put_long_text(&mut self, text: &[u8]);
}

impl PutExt for Vec<u8> {
    fn put(&mut self, number: impl Number) {
        self.extend_from_slice(number.bytes().as_ref());
    }

    fn put_text(&mut self, text: &str) {
        self.put(u8::try_from(text.len()).expect("a short text"));
        self.extend_from_slice(text.as_bytes());
    }

    fn put_long_text(&mut self, text: &[u8]) {
        self.put(u32::try_from(text.len()).expect("a text of less than 4 GiB"));
        self.extend_from_slice(text);
    }
}

/// A number that has a place in a frame.
pub trait Number {
    /// Its bytes, the highest first.
    fn bytes(self) -> impl AsRef<[u8]>;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Number for $number {
            fn bytes(self) -> impl AsRef<[u8]> {
                self.to_be_bytes()
            }
        })*
    };
}

numbers!(u8, u16, u32, u64);
