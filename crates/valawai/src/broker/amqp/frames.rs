//! Follows the frames in what the broker sends, before amiquip sees it.
//!
//! amiquip believes every size that it reads: an HTTP server on the port makes it fill 1.3 GB with zeros, a hostile
//! header ends the process. So sizes are checked here first, and the bytes of message bodies are counted for the read_limiter.

use std::io;

/// What we tell the broker, and so the largest payload of a frame it may send.
pub(super) const LARGEST_FRAME: u32 = 128 * 1024;

/// The largest message that any RabbitMQ lets through.
const LARGEST_BODY: u64 = 512 * 1024 * 1024;

const FRAME_HEADER: usize = 7;
const FRAME_END: u8 = 0xCE;
const BODY_SIZE_AT: usize = 4;
const BODY_SIZE_END: usize = 12;

/// Where in a frame the stream stands.
#[derive(Debug)]
pub(super) struct FrameScanner {
    head: [u8; FRAME_HEADER],
    head_length: usize,
    payload_left: usize,
    start: [u8; BODY_SIZE_END],
    start_length: usize,
    bodies: Vec<Body>,
}

/// A message body that is coming, on one of the connection's channels.
#[derive(Debug)]
struct Body {
    channel: [u8; 2],
    size: usize,
    left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ContentHeader,
    Body,
    Other,
}

impl FrameScanner {
    pub(super) fn new() -> Self {
        Self {
            head: [0; FRAME_HEADER],
            head_length: 0,
            payload_left: 0,
            start: [0; BODY_SIZE_END],
            start_length: 0,
            bodies: Vec::new(),
        }
    }

    /// Follows `bytes`, and returns the size of the message bodies that end in them.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        let mut of_bodies = 0;
        while !bytes.is_empty() {
            bytes = if self.head_length < FRAME_HEADER {
                self.follow_head(bytes)?
            } else if self.payload_left > 0 {
                self.follow_payload(bytes, &mut of_bodies)?
            } else {
                self.follow_end(bytes)?
            };
        }
        Ok(of_bodies)
    }

    fn follow_head<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        let (now, later) = bytes.split_at(bytes.len().min(FRAME_HEADER - self.head_length));
        self.head[self.head_length..][..now.len()].copy_from_slice(now);
        self.head_length += now.len();
        self.kind()?;
        if self.head_length == FRAME_HEADER {
            let size = u32::from_be_bytes([self.head[3], self.head[4], self.head[5], self.head[6]]);
            if size > LARGEST_FRAME {
                return Err(invalid(&format!("a frame of {size} bytes is larger than was agreed")));
            }
            self.payload_left = size as usize;
            self.start_length = 0;
        }
        Ok(later)
    }

    fn follow_payload<'b>(&mut self, bytes: &'b [u8], of_bodies: &mut usize) -> io::Result<&'b [u8]> {
        let (now, later) = bytes.split_at(bytes.len().min(self.payload_left));
        match self.kind()? {
            Kind::Body => *of_bodies += self.follow_body(now.len()),
            Kind::ContentHeader => self.check_body_size(now)?,
            Kind::Other => {}
        }
        self.payload_left -= now.len();
        Ok(later)
    }

    fn follow_body(&mut self, bytes: usize) -> usize {
        let channel = self.channel();
        let Some(place) = self.bodies.iter().position(|body| body.channel == channel) else { return 0 };
        let body = &mut self.bodies[place];
        body.left = body.left.saturating_sub(bytes);
        if body.left == 0 { self.bodies.swap_remove(place).size } else { 0 }
    }

    fn channel(&self) -> [u8; 2] {
        [self.head[1], self.head[2]]
    }

    fn follow_end<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        if bytes[0] != FRAME_END {
            return Err(invalid("a frame does not end where it should"));
        }
        self.head_length = 0;
        Ok(&bytes[1..])
    }

    fn kind(&self) -> io::Result<Kind> {
        match self.head[0] {
            1 | 8 => Ok(Kind::Other),
            2 => Ok(Kind::ContentHeader),
            3 => Ok(Kind::Body),
            b'A' => Err(invalid("the broker speaks another version of AMQP; 0-9-1 is needed")),
            _ => Err(invalid("the answer is not AMQP; is this the port of a RabbitMQ broker, without TLS?")),
        }
    }

    fn check_body_size(&mut self, payload: &[u8]) -> io::Result<()> {
        if self.start_length == BODY_SIZE_END {
            return Ok(());
        }
        let taken = payload.len().min(BODY_SIZE_END - self.start_length);
        self.start[self.start_length..][..taken].copy_from_slice(&payload[..taken]);
        self.start_length += taken;
        if self.start_length == BODY_SIZE_END {
            let size = self.start[BODY_SIZE_AT..].iter().fold(0_u64, |size, byte| (size << 8) | u64::from(*byte));
            if size > LARGEST_BODY {
                return Err(invalid(&format!("a message of {size} bytes is larger than any broker allows")));
            }
            if let Ok(size @ 1..) = usize::try_from(size) {
                let channel = self.channel();
                self.bodies.retain(|body| body.channel != channel);
                self.bodies.push(Body { channel, size, left: size });
            }
        }
        Ok(())
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1][..], &size, payload, &[FRAME_END]].concat()
    }

    fn header_of_a_body_of(size: u64) -> Vec<u8> {
        let payload = [&[0, 60, 0, 0][..], &size.to_be_bytes(), &[0, 0]].concat();
        frame(2, &payload)
    }

    #[test]
    fn body_bytes_are_counted_however_the_stream_is_cut() {
        let stream =
            [frame(1, b"method"), header_of_a_body_of(11), frame(3, b"hello"), frame(3, b" world"), frame(8, b"")]
                .concat();
        for step in 1..=stream.len() {
            let mut frames = FrameScanner::new();
            let counted: usize = stream.chunks(step).map(|chunk| frames.follow(chunk).unwrap()).sum();
            assert_eq!(counted, 11, "cut into pieces of {step} bytes");
        }
    }

    #[test]
    fn a_body_counts_when_all_of_it_came_whatever_comes_on_other_channels_meanwhile() {
        let on_another = |mut frame: Vec<u8>| {
            frame[2] = 2;
            frame
        };
        let mut frames = FrameScanner::new();
        let mut follow = |frame: Vec<u8>| frames.follow(&frame).unwrap();
        assert_eq!(follow(header_of_a_body_of(10)), 0);
        assert_eq!(follow(frame(3, b"hello")), 0, "half of it came");
        assert_eq!(follow(on_another(header_of_a_body_of(3))), 0);
        assert_eq!(follow(on_another(frame(3, b"abc"))), 3);
        assert_eq!(follow(frame(3, b"world")), 10);
        assert_eq!(follow(header_of_a_body_of(0)), 0, "an empty body has no frame");
    }

    #[test]
    fn what_is_not_amqp_or_too_large_is_refused_with_a_reason() {
        let huge_frame = [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF].to_vec();
        for (stream, expected) in [
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "not AMQP"),
            (b"\x15\x03\x01\x00\x02\x02".to_vec(), "not AMQP"),
            (b"AMQP\x00\x01\x00\x00".to_vec(), "another version"),
            (huge_frame, "larger than was agreed"),
            (header_of_a_body_of(u64::MAX), "larger than any broker"),
            ([&frame(1, b"x")[..8], &[0]].concat(), "does not end"),
        ] {
            let error = FrameScanner::new().follow(&stream).expect_err("a hostile stream passed").to_string();
            assert!(error.contains(expected), "{error:?} does not say {expected:?}");
        }
    }
}
