//! TLS on a socket that does not block, for a thread that reads and others that write.
//!
//! What is buffered is bounded: what was received by one read of the socket, one record of plaintext, and one write.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;

use parking_lot::Mutex;
use rustls::ClientConnection;

use crate::tls;

/// The size of one read of the socket; rustls by itself reads 4 KiB at a time.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// How much is encrypted before it is sent.
const SEND_BUFFER: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct TlsSession {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    connection: ClientConnection,
    received: Box<[u8]>,
    /// The part of `received` that is not decrypted.
    encrypted: Range<usize>,
}

impl TlsSession {
    /// A session after its handshake.
    pub(super) fn new(mut connection: ClientConnection) -> Self {
        connection.set_buffer_limit(Some(SEND_BUFFER));
        let received = vec![0; RECEIVE_BUFFER].into_boxed_slice();
        Self { state: Mutex::new(State { connection, received, encrypted: 0..0 }) }
    }

    /// Reads what was received, at most as much as fits; 0 at the end of the stream.
    pub(super) fn read(&self, socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
        self.state.lock().read(socket, into)
    }

    /// Encrypts a part of `bytes`, and sends what the socket accepts. Nothing is encrypted while something waits to be sent.
    pub(super) fn write(&self, socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        if !state.send(socket)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = state.connection.writer().write(bytes)?;
        state.send(socket)?;
        Ok(written)
    }

    /// Sends what waits, as far as the socket accepts it. Returns whether all of it is sent.
    pub(super) fn flush(&self, socket: &TcpStream) -> io::Result<bool> {
        self.state.lock().send(socket)
    }

    /// Tells the server that nothing follows.
    pub(super) fn close(&self, socket: &TcpStream) {
        let mut state = self.state.lock();
        state.connection.send_close_notify();
        // It fails if the connection is lost, when there is nobody to tell.
        let _ = state.send(socket);
    }
}

impl State {
    fn read(&mut self, socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        loop {
            match self.connection.reader().read(&mut into[length..]) {
                // RabbitMQ closes sockets without a notice of TLS. AMQP has one of its own.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(length),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(0) => return Ok(length),
                Ok(read) => {
                    length += read;
                    continue;
                }
            }
            // The socket is asked again only when amiquip has taken what there is.
            if self.encrypted.is_empty() && length > 0 {
                return Ok(length);
            }
            self.decrypt(socket)?;
        }
    }

    /// Decrypts a part of what was received; if there is nothing, receives more.
    fn decrypt(&mut self, mut socket: &TcpStream) -> io::Result<()> {
        if self.encrypted.is_empty() {
            self.encrypted = 0..socket.read(&mut self.received)?;
        }
        let mut encrypted = &self.received[self.encrypted.clone()];
        // With nothing to read, this marks the end of the stream.
        self.encrypted.start += self.connection.read_tls(&mut encrypted)?;
        let processed = self.connection.process_new_packets();
        // The alert that tells the server of an error, or the answer to an update of its keys.
        let sent = self.send(socket);
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent.map(drop)
    }

    fn send(&mut self, mut socket: &TcpStream) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Makes the handshake on a socket that blocks.
pub(super) fn handshake(
    options: &tls::Options,
    host: &str,
    mut socket: &TcpStream,
) -> Result<ClientConnection, String> {
    let config = options.client_config().map_err(|error| error.to_string())?;
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|_| "the host is no name that a certificate can have".to_owned())?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| tls::explain(&error, options.names))?;
    let completed = connection.complete_io(&mut socket);
    completed.map_err(|error| tls::failure(&error, options).unwrap_or_else(|| error.to_string()))?;
    Ok(connection)
}

#[cfg(test)]
#[path = "tls_session_tests.rs"]
mod tests;
