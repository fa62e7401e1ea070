//! From the name of a host to a connected socket.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::Host;
use crate::broker::Error;

/// How long one address may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Connects to the first of the host's addresses that answers.
pub(super) fn connect(host: &Host) -> Result<TcpStream, Error> {
    connect_to_name(host).map_err(|error| Error::Unreachable { address: host.to_string(), reason: error.to_string() })
}

fn connect_to_name(host: &Host) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        match connect_to_address(&address) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_to_address(address: &SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(address, CONNECT_LIMIT)?;
    // Without it a small message waits up to 40 ms for the broker's delayed TCP acknowledgement.
    socket.set_nodelay(true)?;
    Ok(socket)
}
