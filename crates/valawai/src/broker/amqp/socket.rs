//! Connects a socket to a host.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::Host;
use crate::broker::Error;

/// The limit for each address.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Connects to the first of the host's addresses that accepts.
pub(super) fn connect(host: &Host) -> Result<TcpStream, Error> {
    connect_to_name(host).map_err(|error| Error::Unreachable { address: host.to_string(), reason: error.to_string() })
}

fn connect_to_name(host: &Host) -> io::Result<TcpStream> {
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        match connect_to_address(&address) {
            Ok(socket) => return Ok(socket),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

fn connect_to_address(address: &SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(address, CONNECT_LIMIT)?;
    // Nagle's algorithm would delay a small message by up to 40 ms, until the broker's delayed TCP acknowledgement.
    socket.set_nodelay(true)?;
    Ok(socket)
}
