//! A connection, as a client has it: the questions and answers at its begin. After that, its parts are used directly.

use std::io;
use std::net::TcpStream;

use super::{Frame, Inbox, LARGEST_FRAME, METHOD, Method, Outbox, PutExt};

/// Where a broker is, and who we are to it.
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
    /// Its socket.
    pub stream: TcpStream,
    /// What was received.
    pub inbox: Inbox,
    /// What is to be sent.
    pub outbox: Outbox,
}

impl Client {
    /// Connects, without heartbeats.
    ///
    /// # Errors
    /// When the broker cannot be reached, or does not want us.
    pub fn connect(address: &Address) -> io::Result<Self> {
        let stream = TcpStream::connect((address.host.as_str(), address.port))?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, inbox: Inbox::default(), outbox: Outbox::default() };
        client.outbox.copy(b"AMQP\x00\x00\x09\x01");
        client.wait_for(Method::CONNECTION_START)?;
        client.outbox.method(0, Method::CONNECTION_START_OK, |bytes| {
            bytes.put(0_u32);
            bytes.put_text("PLAIN");
            bytes.put_long_text(format!("\0{}\0{}", address.username, address.password).as_bytes());
            bytes.put_text("en_US");
        });
        client.wait_for(Method::CONNECTION_TUNE)?;
        client.outbox.method(0, Method::CONNECTION_TUNE_OK, |bytes| {
            bytes.put(16_u16);
            bytes.put(LARGEST_FRAME);
            bytes.put(0_u16);
        });
        client.outbox.method(0, Method::CONNECTION_OPEN, |bytes| {
            bytes.put_text(&address.vhost);
            bytes.put_text("");
            bytes.put(0_u8);
        });
        client.wait_for(Method::CONNECTION_OPEN_OK)?;
        Ok(client)
    }

    /// Opens `channel`.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn open_channel(&mut self, channel: u16) -> io::Result<()> {
        self.outbox.method(channel, Method::CHANNEL_OPEN, |bytes| bytes.put_text(""));
        self.wait_for(Method::CHANNEL_OPEN_OK).map(drop)
    }

    /// Has everything published on `channel` confirmed.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn confirm(&mut self, channel: u16) -> io::Result<()> {
        self.outbox.method(channel, Method::CONFIRM_SELECT, |bytes| bytes.put(0_u8));
        self.wait_for(Method::CONFIRM_SELECT_OK).map(drop)
    }

    /// Declares a queue without arguments, and returns how many messages and consumers it has.
    ///
    /// # Errors
    /// When the connection is lost, or the queue is there and is of another kind.
    pub fn declare(&mut self, channel: u16, queue: &str, durable: bool) -> io::Result<(u32, u32)> {
        const DURABLE: u8 = 2;
        self.outbox.method(channel, Method::QUEUE_DECLARE, |bytes| {
            bytes.put(0_u16);
            bytes.put_text(queue);
            bytes.put(if durable { DURABLE } else { 0 });
            bytes.put(0_u32);
        });
        self.wait_for_then(Method::QUEUE_DECLARE_OK, |frame| {
            let (_, mut arguments) = frame.method();
            arguments.text();
            (arguments.long(), arguments.long())
        })
    }

    /// Removes all that is in `queue`.
    ///
    /// # Errors
    /// When the connection is lost, or there is no such queue.
    pub fn purge(&mut self, channel: u16, queue: &str) -> io::Result<()> {
        self.outbox.method(channel, Method::QUEUE_PURGE, |bytes| {
            bytes.put(0_u16);
            bytes.put_text(queue);
            bytes.put(0_u8);
        });
        self.wait_for(Method::QUEUE_PURGE_OK)
    }

    /// Deletes `queue`, if it is there.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn delete(&mut self, channel: u16, queue: &str) -> io::Result<()> {
        self.outbox.method(channel, Method::QUEUE_DELETE, |bytes| {
            bytes.put(0_u16);
            bytes.put_text(queue);
            bytes.put(0_u8);
        });
        self.wait_for(Method::QUEUE_DELETE_OK)
    }

    /// Starts to consume, with at most `prefetch` messages in hand.
    ///
    /// # Errors
    /// When the connection is lost, or there is no such queue.
    pub fn consume(&mut self, channel: u16, queue: &str, prefetch: u16) -> io::Result<()> {
        self.outbox.method(channel, Method::BASIC_QOS, |bytes| {
            bytes.put(0_u32);
            bytes.put(prefetch);
            bytes.put(0_u8);
        });
        self.wait_for(Method::BASIC_QOS_OK)?;
        self.outbox.method(channel, Method::BASIC_CONSUME, |bytes| {
            bytes.put(0_u16);
            bytes.put_text(queue);
            bytes.put_text("");
            bytes.put(0_u8);
            bytes.put(0_u32);
        });
        self.wait_for(Method::BASIC_CONSUME_OK)
    }

    /// Sends what waits, and waits for `wanted`. What comes after it stays in the inbox.
    fn wait_for(&mut self, wanted: Method) -> io::Result<()> {
        self.wait_for_then(wanted, |_| ())
    }

    fn wait_for_then<T>(&mut self, wanted: Method, read: impl FnOnce(Frame<'_>) -> T) -> io::Result<T> {
        self.outbox.flush(&mut self.stream)?;
        loop {
            while let Some(frame) = self.inbox.take()? {
                if frame.kind != METHOD {
                    continue;
                }
                match frame.method() {
                    (method, _) if method == wanted => return Ok(read(frame)),
                    (Method::CONNECTION_CLOSE | Method::CHANNEL_CLOSE, mut arguments) => {
                        let (code, text) = (arguments.short(), arguments.text());
                        return Err(io::Error::other(format!("the broker closed it: {code} {text}")));
                    }
                    _ => {}
                }
            }
            self.inbox.fill(&mut self.stream)?;
        }
    }
}
