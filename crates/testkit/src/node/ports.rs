//! The address and the TCP ports of one node.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ephemeral port range, so that no outgoing connection takes the port of a stopped node.
const FIRST: u16 = 20_000;
const BLOCKS: u16 = 24;
const BLOCK: u16 = 500;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// The address of the AMQP listeners; the others are on 127.0.0.1.
    pub(crate) address: Ipv4Addr,
    pub(crate) amqp: u16,
    pub(crate) tls: u16,
    pub(crate) management: u16,
    pub(crate) distribution: u16,
    pub(crate) epmd: u16,
}

impl Ports {
    /// Chooses ports that are free now. Another process may take them, so the caller must be ready to choose again.
    pub(crate) fn choose() -> Self {
        let (amqp, tls, epmd) = (free_port(), free_port(), free_port());
        Self { address: Ipv4Addr::LOCALHOST, amqp, tls, management: free_port(), distribution: free_port(), epmd }
    }

    /// The ports of another cluster member: the same AMQP ports, on the address 127.0.0.`number`.
    pub(crate) fn of_member(self, number: u8) -> Self {
        let address = Ipv4Addr::new(127, 0, 0, number);
        Self { address, management: free_port(), distribution: free_port(), ..self }
    }
}

/// A port that is free now: the ports of this process, tried in turn.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = block().first;
    (0..BLOCK)
        .map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed) % BLOCK)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free TCP port on 127.0.0.1")
}

/// The ports that belong to this process for as long as it holds the lock.
#[derive(Debug)]
struct Block {
    first: u16,
    _lock: File,
}

/// Claims a block of ports, so that test runs beside each other do not take the ports of each other's nodes: a node needs
/// seconds from the choice of its ports until it listens.
fn block() -> &'static Block {
    static BLOCK_OF_PROCESS: OnceLock<Block> = OnceLock::new();
    BLOCK_OF_PROCESS.get_or_init(|| {
        let claim = |number: u16| {
            let path = std::env::temp_dir().join(format!("valawai-test-ports-{number}.lock"));
            let lock = File::options().create(true).append(true).open(path).ok()?;
            lock.try_lock().ok()?;
            Some(Block { first: FIRST + number * BLOCK, _lock: lock })
        };
        (0..BLOCKS).find_map(claim).expect("fewer test runs at the same time: all blocks of ports are locked")
    })
}
