//! Checks the frames that the broker sends, before amiquip parses them.
//!
//! amiquip allocates every size that it reads: an HTTP server on the port makes it allocate 1.3 GB, and a hostile size
//! ends the process. So sizes are checked here first, and the bytes of message bodies are counted for the read limiter.

use std::io;

/// The largest frame that we announce to the broker, and so the largest it may send.
pub(super) const MAX_FRAME: u32 = 128 * 1024;

/// The largest message that any version of RabbitMQ supports.
const MAX_BODY: u64 = 512 * 1024 * 1024;

/// A frame: type (1 byte), channel (2), size of the payload (4), payload, end marker (1).
const FRAME_HEADER: usize = 7;
const FRAME_END: u8 = 0xCE;

/// The first bytes of what a server with TLS sends.
const TLS_ALERT: u8 = 21;
const TLS_HANDSHAKE: u8 = 22;

/// The start of a content header: class (2 bytes), weight (2), size of the body (8).
const CONTENT_HEADER: usize = 12;
const BODY_SIZE_AT: usize = 4;

/// The method `connection.tune`: class (2 bytes), method (2), maximum of channels (2), largest frame (4), heartbeat (2).
const TUNE: [u8; 4] = [0, 10, 0, 30];

/// Scans a stream of frames, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct FrameScanner {
    header: Prefix<FRAME_HEADER>,
    payload_left: usize,
    /// The start of the payload of a content header or a method.
    start: Prefix<CONTENT_HEADER>,
    bodies: Vec<Body>,
    /// The largest frame that the broker accepts, once it has said so.
    max_frame: Option<u32>,
}

/// The first `N` bytes of a frame or of its payload, collected piece by piece.
#[derive(Debug)]
struct Prefix<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

/// A message body that is being received on one of the connection's channels.
#[derive(Debug)]
struct Body {
    channel: [u8; 2],
    size: usize,
    left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameType {
    Method,
    ContentHeader,
    Body,
    Heartbeat,
}

impl<const N: usize> Default for Prefix<N> {
    fn default() -> Self {
        Self { bytes: [0; N], length: 0 }
    }
}

impl<const N: usize> Prefix<N> {
    /// Adds what is missing from the start of `bytes`, and returns the rest.
    fn fill<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (missing, rest) = bytes.split_at(bytes.len().min(N - self.length));
        self.bytes[self.length..][..missing.len()].copy_from_slice(missing);
        self.length += missing.len();
        rest
    }

    fn is_complete(&self) -> bool {
        self.length == N
    }
}

impl FrameScanner {
    /// Scans the next `bytes` of the stream, and returns the total size of the message bodies that they complete.
    pub(super) fn scan(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        let mut completed = 0;
        while !bytes.is_empty() {
            bytes = if !self.header.is_complete() {
                self.scan_header(bytes)?
            } else if self.payload_left > 0 {
                self.scan_payload(bytes, &mut completed)?
            } else {
                self.scan_end(bytes)?
            };
        }
        Ok(completed)
    }

    fn scan_header<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        let rest = self.header.fill(bytes);
        // Checked at the first byte: a server that is not a broker may never send a whole header.
        self.frame_type()?;
        if self.header.is_complete() {
            let [_, _, _, size @ ..] = self.header.bytes;
            let size = u32::from_be_bytes(size);
            if size > MAX_FRAME {
                return Err(invalid(&format!("a frame of {size} bytes is larger than the negotiated maximum")));
            }
            self.payload_left = size as usize;
            self.start = Prefix::default();
        }
        Ok(rest)
    }

    fn scan_payload<'b>(&mut self, bytes: &'b [u8], completed: &mut usize) -> io::Result<&'b [u8]> {
        let (payload, rest) = bytes.split_at(bytes.len().min(self.payload_left));
        match self.frame_type()? {
            FrameType::Body => *completed += self.scan_body(payload.len()),
            FrameType::ContentHeader => self.scan_content_header(payload)?,
            FrameType::Method if self.max_frame.is_none() => self.scan_method(payload),
            FrameType::Method | FrameType::Heartbeat => {}
        }
        self.payload_left -= payload.len();
        Ok(rest)
    }

    /// Returns the size of the body if it is complete, otherwise 0.
    fn scan_body(&mut self, bytes: usize) -> usize {
        let channel = self.channel();
        let Some(index) = self.bodies.iter().position(|body| body.channel == channel) else { return 0 };
        let body = &mut self.bodies[index];
        body.left = body.left.saturating_sub(bytes);
        if body.left == 0 { self.bodies.swap_remove(index).size } else { 0 }
    }

    fn scan_content_header(&mut self, payload: &[u8]) -> io::Result<()> {
        if self.start.is_complete() {
            return Ok(());
        }
        self.start.fill(payload);
        if self.start.is_complete() {
            let size = &self.start.bytes[BODY_SIZE_AT..];
            let size = size.iter().fold(0_u64, |size, byte| (size << 8) | u64::from(*byte));
            if size > MAX_BODY {
                return Err(invalid(&format!("a message of {size} bytes is larger than any broker allows")));
            }
            // An empty body has no frame.
            if let Ok(size @ 1..) = usize::try_from(size) {
                let channel = self.channel();
                self.bodies.retain(|body| body.channel != channel);
                self.bodies.push(Body { channel, size, left: size });
            }
        }
        Ok(())
    }

    fn scan_method(&mut self, payload: &[u8]) {
        self.start.fill(payload);
        if self.start.is_complete() && self.start.bytes.starts_with(&TUNE) {
            let [.., a, b, c, d, _, _] = self.start.bytes;
            self.max_frame = Some(u32::from_be_bytes([a, b, c, d]));
        }
    }

    /// The largest frame that the broker accepts, in bytes; 0 stands for no limit. `None` until it has said so.
    pub(super) fn max_frame(&self) -> Option<u32> {
        self.max_frame
    }

    fn scan_end<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        if bytes[0] != FRAME_END {
            return Err(invalid("a frame does not end with the end marker"));
        }
        self.header = Prefix::default();
        Ok(&bytes[1..])
    }

    fn frame_type(&self) -> io::Result<FrameType> {
        match self.header.bytes[0] {
            1 => Ok(FrameType::Method),
            8 => Ok(FrameType::Heartbeat),
            2 => Ok(FrameType::ContentHeader),
            3 => Ok(FrameType::Body),
            b'A' => Err(invalid("the broker requires another version of AMQP; this client needs 0-9-1")),
            TLS_ALERT | TLS_HANDSHAKE => Err(invalid(
                "the reply is TLS; connect with TLS (RABBITMQ_TLS=1, or amqps://), or to the port without TLS",
            )),
            _ => Err(invalid("the reply is not AMQP; check that the port is RabbitMQ's AMQP port")),
        }
    }

    fn channel(&self) -> [u8; 2] {
        [self.header.bytes[1], self.header.bytes[2]]
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
