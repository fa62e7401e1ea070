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

/// The start of a content header: class (2 bytes), weight (2), size of the body (8).
const CONTENT_HEADER: usize = 12;
const BODY_SIZE_AT: usize = 4;

/// Scans a stream of frames, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct FrameScanner {
    header: Prefix<FRAME_HEADER>,
    payload_left: usize,
    content_header: Prefix<CONTENT_HEADER>,
    bodies: Vec<Body>,
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
    ContentHeader,
    Body,
    Other,
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
            self.content_header = Prefix::default();
        }
        Ok(rest)
    }

    fn scan_payload<'b>(&mut self, bytes: &'b [u8], completed: &mut usize) -> io::Result<&'b [u8]> {
        let (payload, rest) = bytes.split_at(bytes.len().min(self.payload_left));
        match self.frame_type()? {
            FrameType::Body => *completed += self.scan_body(payload.len()),
            FrameType::ContentHeader => self.scan_content_header(payload)?,
            FrameType::Other => {}
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
        if self.content_header.is_complete() {
            return Ok(());
        }
        self.content_header.fill(payload);
        if self.content_header.is_complete() {
            let size = &self.content_header.bytes[BODY_SIZE_AT..];
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

    fn scan_end<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        if bytes[0] != FRAME_END {
            return Err(invalid("a frame does not end with the end marker"));
        }
        self.header = Prefix::default();
        Ok(&bytes[1..])
    }

    fn frame_type(&self) -> io::Result<FrameType> {
        match self.header.bytes[0] {
            1 | 8 => Ok(FrameType::Other),
            2 => Ok(FrameType::ContentHeader),
            3 => Ok(FrameType::Body),
            b'A' => Err(invalid("the broker requires another version of AMQP; this client needs 0-9-1")),
            _ => Err(invalid("the reply is not AMQP; check that the port is RabbitMQ's AMQP port without TLS")),
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
mod tests {
    use super::*;

    const OTHER_CHANNEL: u8 = 2;

    fn frame(frame_type: u8, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[frame_type, 0, 1][..], &size, payload, &[FRAME_END]].concat()
    }

    fn content_header(body_size: u64) -> Vec<u8> {
        let payload = [&[0, 60, 0, 0][..], &body_size.to_be_bytes(), &[0, 0]].concat();
        frame(2, &payload)
    }

    fn on_other_channel(mut frame: Vec<u8>) -> Vec<u8> {
        frame[2] = OTHER_CHANNEL;
        frame
    }

    #[test]
    fn bodies_are_counted_in_pieces_of_any_size() {
        let stream =
            [frame(1, b"method"), content_header(11), frame(3, b"hello"), frame(3, b" world"), frame(8, b"")].concat();
        for size in 1..=stream.len() {
            let mut frames = FrameScanner::default();
            let counted: usize = stream.chunks(size).map(|piece| frames.scan(piece).unwrap()).sum();
            assert_eq!(counted, 11, "in pieces of {size} bytes");
        }
    }

    #[test]
    fn a_body_counts_when_it_is_complete() {
        let mut frames = FrameScanner::default();
        assert_eq!(frames.scan(&content_header(10)).unwrap(), 0);
        assert_eq!(frames.scan(&frame(3, b"hello")).unwrap(), 0, "half of it");
        assert_eq!(frames.scan(&frame(3, b"world")).unwrap(), 10);
    }

    #[test]
    fn bodies_on_different_channels_are_counted_separately() {
        let mut frames = FrameScanner::default();
        frames.scan(&content_header(10)).unwrap();
        frames.scan(&frame(3, b"hello")).unwrap();
        assert_eq!(frames.scan(&on_other_channel(content_header(3))).unwrap(), 0);
        assert_eq!(frames.scan(&on_other_channel(frame(3, b"abc"))).unwrap(), 3);
        assert_eq!(frames.scan(&frame(3, b"world")).unwrap(), 10);
    }

    #[test]
    fn an_empty_body_is_complete_without_a_frame() {
        let mut frames = FrameScanner::default();
        frames.scan(&content_header(0)).unwrap();
        frames.scan(&content_header(3)).unwrap();
        assert_eq!(frames.scan(&frame(3, b"abc")).unwrap(), 3);
    }

    #[test]
    fn an_invalid_stream_is_rejected_with_a_reason() {
        let huge_frame = [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF].to_vec();
        for (stream, expected) in [
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "not AMQP"),
            (b"\x15\x03\x01\x00\x02\x02".to_vec(), "not AMQP"),
            (b"AMQP\x00\x01\x00\x00".to_vec(), "another version"),
            (huge_frame, "larger than the negotiated maximum"),
            (content_header(u64::MAX), "larger than any broker"),
            ([&frame(1, b"x")[..8], &[0]].concat(), "does not end"),
        ] {
            let error = FrameScanner::default().scan(&stream).expect_err("the stream was accepted").to_string();
            assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
        }
    }
}
