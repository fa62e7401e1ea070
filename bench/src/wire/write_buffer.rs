//! Encodes frames and writes them to a socket.

use std::io::{self, Write};

use bytes::BufMut;

use super::frame::{END, OVERHEAD};
use super::{FrameKind, MAX_FRAME_SIZE, Method, PutString};

/// The AMQP class `basic`, which content headers name.
const BASIC_CLASS: u16 = 60;

/// The property flags of a header with `content_type` and `delivery_mode`.
const CONTENT_TYPE_AND_DELIVERY_MODE: u16 = 0x9000;

const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

/// The `mandatory` bit of `basic.publish`.
const MANDATORY: u8 = 1;

/// A buffer of encoded frames.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    bytes: Vec<u8>,
    written: usize,
}

impl WriteBuffer {
    /// Appends a frame whose payload is what `put_payload` appends.
    pub fn put_frame(&mut self, kind: FrameKind, channel: u16, put_payload: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.put_u8(kind.0);
        self.bytes.put_u16(channel);
        self.bytes.put_u32(0); // The size, known only after the payload.
        let payload = self.bytes.len();
        put_payload(&mut self.bytes);
        let size = u32::try_from(self.bytes.len() - payload).expect("a frame has less than 4 GiB");
        self.bytes[start + 3..][..4].copy_from_slice(&size.to_be_bytes());
        self.bytes.put_u8(END);
    }

    /// Appends `method` with the arguments that `put_arguments` appends.
    pub fn put_method(&mut self, channel: u16, method: Method, put_arguments: impl FnOnce(&mut Vec<u8>)) {
        self.put_frame(FrameKind::METHOD, channel, |bytes| {
            bytes.put_u32(method.0);
            put_arguments(bytes);
        });
    }

    /// Appends a mandatory `basic.publish` to `queue` through the default exchange.
    pub fn put_publish(&mut self, channel: u16, queue: &str) {
        self.put_method(channel, Method::BASIC_PUBLISH, |bytes| {
            bytes.put_u16(0);
            bytes.put_short_string("");
            bytes.put_short_string(queue);
            bytes.put_u8(MANDATORY);
        });
    }

    /// Appends the header of a JSON message with a body of `size` bytes.
    pub fn put_header(&mut self, channel: u16, size: usize, persistent: bool) {
        self.put_frame(FrameKind::HEADER, channel, |bytes| {
            bytes.put_u16(BASIC_CLASS);
            bytes.put_u16(0);
            bytes.put_u64(size as u64);
            bytes.put_u16(CONTENT_TYPE_AND_DELIVERY_MODE);
            bytes.put_short_string("application/json");
            bytes.put_u8(if persistent { PERSISTENT } else { TRANSIENT });
        });
    }

    /// Appends `body` in as many frames as it needs.
    pub fn put_body(&mut self, channel: u16, body: &[u8]) {
        for part in body.chunks(MAX_FRAME_SIZE as usize - OVERHEAD) {
            self.put_frame(FrameKind::BODY, channel, |bytes| bytes.put_slice(part));
        }
    }

    /// Appends a `basic.ack` for everything up to `tag`. Consumers acknowledge with it, brokers confirm.
    pub fn put_ack_multiple(&mut self, channel: u16, tag: u64) {
        self.put_method(channel, Method::BASIC_ACK, |bytes| {
            bytes.put_u64(tag);
            bytes.put_u8(1);
        });
    }

    /// Appends frames that are already encoded.
    pub fn put_encoded(&mut self, frames: &[u8]) {
        self.bytes.extend_from_slice(frames);
    }

    /// The encoded frames that are not written yet.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Writes until the buffer is empty (true) or `sink` would block (false).
    ///
    /// # Errors
    /// Returns the error of `sink`.
    pub fn flush(&mut self, sink: &mut impl Write) -> io::Result<bool> {
        while self.written < self.bytes.len() {
            match sink.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
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
