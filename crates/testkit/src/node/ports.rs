//! The address and the four TCP ports of one node.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ephemeral port range, so that no outgoing connection takes the port of a stopped node.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// The address of the AMQP listener; the others are on 127.0.0.1.
    pub(crate) address: Ipv4Addr,
    pub(crate) amqp: u16,
    pub(crate) management: u16,
    pub(crate) distribution: u16,
    pub(crate) epmd: u16,
}

impl Ports {
    /// Chooses ports that are free now. Another process may take them, so the caller must be ready to choose again.
    pub(crate) fn choose() -> Self {
        let (amqp, epmd) = (free_port(), free_port());
        Self { address: Ipv4Addr::LOCALHOST, amqp, management: free_port(), distribution: free_port(), epmd }
    }

    /// The ports of another cluster member: the same AMQP port, on the address 127.0.0.`number`.
    pub(crate) fn of_member(self, number: u8) -> Self {
        let address = Ipv4Addr::new(127, 0, 0, number);
        Self { address, management: free_port(), distribution: free_port(), ..self }
    }
}

/// Each call continues where the previous one stopped, and each process starts elsewhere, to make conflicts rare.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(process::id() * 97 % u32::from(COUNT)).expect("less than the number of ports");
    (0..COUNT)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free TCP port on 127.0.0.1")
}
