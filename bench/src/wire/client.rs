//! A blocking client for setting up a connection. Afterwards its socket and buffers are used directly.

use std::io;
use std::net::TcpStream;

use bytes::BufMut;

use super::{Frame, FrameKind, MAX_FRAME_SIZE, Method, PROTOCOL_HEADER, PutString, ReadBuffer, WriteBuffer};

/// Channels that a client asks for.
const MAX_CHANNELS: u16 = 16;

/// The address of a broker and the credentials to log in with.
#[derive(Debug, Clone)]
pub struct Address {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// The virtual host.
    pub vhost: String,
}

/// A connection to a broker.
#[derive(Debug)]
pub struct Client {
    /// The socket.
    pub stream: TcpStream,
    /// Received frames.
    pub input: ReadBuffer,
    /// Frames to send.
    pub output: WriteBuffer,
}

impl Client {
    /// Connects, without heartbeats.
    ///
    /// # Errors
    /// Fails if the broker is unreachable, or rejects the login or the virtual host.
    pub fn connect(address: &Address) -> io::Result<Self> {
        let stream = TcpStream::connect((address.host.as_str(), address.port))?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, input: ReadBuffer::default(), output: WriteBuffer::default() };
        client.output.put_encoded(PROTOCOL_HEADER);
        client.await_method(Method::CONNECTION_START)?;
        client.output.put_method(0, Method::CONNECTION_START_OK, |bytes| {
            bytes.put_u32(0);
            bytes.put_short_string("PLAIN");
            bytes.put_long_string(format!("\0{}\0{}", address.username, address.password).as_bytes());
            bytes.put_short_string("en_US");
        });
        client.await_method(Method::CONNECTION_TUNE)?;
        client.output.put_method(0, Method::CONNECTION_TUNE_OK, |bytes| {
            bytes.put_u16(MAX_CHANNELS);
            bytes.put_u32(MAX_FRAME_SIZE);
            bytes.put_u16(0);
        });
        client.output.put_method(0, Method::CONNECTION_OPEN, |bytes| {
            bytes.put_short_string(&address.vhost);
            bytes.put_short_string("");
            bytes.put_u8(0);
        });
        client.await_method(Method::CONNECTION_OPEN_OK)?;
        Ok(client)
    }

    /// Opens `channel`.
    ///
    /// # Errors
    /// Fails if the connection is lost.
    pub fn open_channel(&mut self, channel: u16) -> io::Result<()> {
        self.output.put_method(channel, Method::CHANNEL_OPEN, |bytes| bytes.put_short_string(""));
        self.await_method(Method::CHANNEL_OPEN_OK)
    }

    /// Enables publisher confirms on `channel`.
    ///
    /// # Errors
    /// Fails if the connection is lost.
    pub fn enable_confirms(&mut self, channel: u16) -> io::Result<()> {
        self.output.put_method(channel, Method::CONFIRM_SELECT, |bytes| bytes.put_u8(0));
        self.await_method(Method::CONFIRM_SELECT_OK)
    }

    /// Declares a queue without arguments and returns how many ready messages and consumers it has.
    ///
    /// # Errors
    /// Fails if the connection is lost, or the queue exists with other properties.
    pub fn declare_queue(&mut self, channel: u16, queue: &str, durable: bool) -> io::Result<(u32, u32)> {
        const DURABLE: u8 = 2;
        self.output.put_method(channel, Method::QUEUE_DECLARE, |bytes| {
            bytes.put_u16(0);
            bytes.put_short_string(queue);
            bytes.put_u8(if durable { DURABLE } else { 0 });
            bytes.put_u32(0);
        });
        self.await_method_then(Method::QUEUE_DECLARE_OK, |frame| {
            let (_, mut arguments) = frame.method();
            arguments.short_string();
            (arguments.long(), arguments.long())
        })
    }

    /// Deletes `queue` if it exists.
    ///
    /// # Errors
    /// Fails if the connection is lost.
    pub fn delete_queue(&mut self, channel: u16, queue: &str) -> io::Result<()> {
        self.output.put_method(channel, Method::QUEUE_DELETE, |bytes| {
            bytes.put_u16(0);
            bytes.put_short_string(queue);
            bytes.put_u8(0);
        });
        self.await_method(Method::QUEUE_DELETE_OK)
    }

    /// Starts to consume `queue` with this prefetch.
    ///
    /// # Errors
    /// Fails if the connection is lost, or the queue does not exist.
    pub fn consume(&mut self, channel: u16, queue: &str, prefetch: u16) -> io::Result<()> {
        self.output.put_method(channel, Method::BASIC_QOS, |bytes| {
            bytes.put_u32(0);
            bytes.put_u16(prefetch);
            bytes.put_u8(0);
        });
        self.await_method(Method::BASIC_QOS_OK)?;
        self.output.put_method(channel, Method::BASIC_CONSUME, |bytes| {
            bytes.put_u16(0);
            bytes.put_short_string(queue);
            bytes.put_short_string("");
            bytes.put_u8(0);
            bytes.put_u32(0);
        });
        self.await_method(Method::BASIC_CONSUME_OK)
    }

    fn await_method(&mut self, expected: Method) -> io::Result<()> {
        self.await_method_then(expected, |_| ())
    }

    /// Sends all buffered frames, waits for `expected` and reads it with `read`. Later frames remain in the input buffer.
    fn await_method_then<T>(&mut self, expected: Method, read: impl FnOnce(Frame<'_>) -> T) -> io::Result<T> {
        self.output.flush(&mut self.stream)?;
        loop {
            while let Some(frame) = self.input.next_frame()? {
                if frame.kind != FrameKind::METHOD {
                    continue;
                }
                match frame.method() {
                    (method, _) if method == expected => return Ok(read(frame)),
                    (Method::CONNECTION_CLOSE | Method::CHANNEL_CLOSE, mut arguments) => {
                        let (code, text) = (arguments.short(), arguments.short_string());
                        return Err(io::Error::other(format!("closed by the broker: {code} {text}")));
                    }
                    _ => {}
                }
            }
            self.input.read_from(&mut self.stream)?;
        }
    }
}
