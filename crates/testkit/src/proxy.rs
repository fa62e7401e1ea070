//! A TCP proxy that can drop all traffic without closing the connections, as a firewall does.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Forwards connections to a port of this machine.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    drops_traffic: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts a proxy to the port `target`. It runs until the test process ends.
    pub fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the proxy");
        let port = listener.local_addr().expect("the port of the proxy").port();
        let drops_traffic = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&drops_traffic);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // While the target is down, a client's connection is closed at once.
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                spawn_forwarder(&client, &server, &flag);
                spawn_forwarder(&server, &client, &flag);
            }
        });
        Self { port, drops_traffic }
    }

    /// The port on which the proxy accepts connections.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts or stops dropping all traffic. A connection that lost data stays dead.
    pub fn drop_traffic(&self, drop: bool) {
        self.drops_traffic.store(drop, Ordering::SeqCst);
    }
}

/// Starts a thread that copies one direction. It ends with either side, and then closes the other.
fn spawn_forwarder(from: &TcpStream, to: &TcpStream, drops_traffic: &Arc<AtomicBool>) {
    let (from, to) = (from.try_clone().expect("clone a socket"), to.try_clone().expect("clone a socket"));
    let drops_traffic = Arc::clone(drops_traffic);
    thread::spawn(move || forward(from, to, &drops_traffic));
}

fn forward(mut from: TcpStream, mut to: TcpStream, drops_traffic: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut has_lost_data = false;
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return to.shutdown(Shutdown::Both);
        }
        has_lost_data |= drops_traffic.load(Ordering::SeqCst);
        if !has_lost_data {
            to.write_all(&buffer[..read])?;
        }
    }
}
