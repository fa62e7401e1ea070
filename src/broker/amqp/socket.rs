//! From the name of a host to a connected socket.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::Host;
use crate::broker::Error;

/// How long one address may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Connects to the first address of the first host that answers.
pub(super) fn connect(hosts: &[Host]) -> Result<(TcpStream, Host), Error> {
    let mut last = None;
    for host in hosts {
        match connect_to(host) {
            Ok(socket) => return Ok((socket, host.clone())),
            Err(error) => last = Some(error),
        }
    }
    let reason = last.map_or_else(|| "no host is configured".to_owned(), |error: io::Error| error.to_string());
    Err(Error::Unreachable { address: list(hosts), reason })
}

fn connect_to(host: &Host) -> io::Result<TcpStream> {
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

fn list(hosts: &[Host]) -> String {
    hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
