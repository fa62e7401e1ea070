//! What frames are written to and read from: a socket, or TLS on it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ClientConnection;

use super::tls_session::TlsSession;

/// The bytes of one connection, in both directions, for any thread. It never blocks: where it would, it returns `WouldBlock`.
#[derive(Debug)]
pub(super) struct Transport {
    /// In non-blocking mode.
    socket: Arc<TcpStream>,
    tls: Option<TlsSession>,
}

impl Transport {
    /// Without TLS.
    pub(super) fn plain(socket: Arc<TcpStream>) -> Self {
        Self { socket, tls: None }
    }

    /// With TLS, after its handshake.
    pub(super) fn encrypted(socket: Arc<TcpStream>, connection: ClientConnection) -> Self {
        Self { socket, tls: Some(TlsSession::new(connection)) }
    }

    /// Reads what there is, at most as much as fits; 0 at the end of the stream.
    pub(super) fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            None => (&*self.socket).read(into),
            Some(tls) => tls.read(&self.socket, into),
        }
    }

    /// Writes a part of `bytes`. With TLS, some of it may wait to be sent: [`Self::flush`].
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.tls {
            None => (&*self.socket).write(bytes),
            Some(tls) => tls.write(&self.socket, bytes),
        }
    }

    /// Sends what waits, as far as the socket accepts it. Returns whether all of it is sent.
    pub(super) fn flush(&self) -> io::Result<bool> {
        self.tls.as_ref().map_or(Ok(true), |tls| tls.flush(&self.socket))
    }

    /// Tells the server that nothing follows.
    pub(super) fn close(&self) {
        if let Some(tls) = &self.tls {
            tls.close(&self.socket);
        }
    }
}
