//! A line that can be made to swallow everything, as a firewall that drops packets does: nobody is told.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Forwards to a port of this machine, until it is told to swallow.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Proxy {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the proxy");
        let port = listener.local_addr().expect("the port of the proxy").port();
        let swallows = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&swallows);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client whose broker is away is hung up on, as by the broker's own machine.
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                forward(&client, &server, &seen);
                forward(&server, &client, &seen);
            }
        });
        Self { port, swallows }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing goes through, in either direction, and what was sent meanwhile is gone for good.
    pub fn swallow(&self, swallow: bool) {
        self.swallows.store(swallow, Ordering::SeqCst);
    }
}

fn forward(from: &TcpStream, to: &TcpStream, swallows: &Arc<AtomicBool>) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("another handle"));
    let swallows = Arc::clone(swallows);
    let has_swallowed = move || -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut is_dead = false;
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return to.shutdown(Shutdown::Both);
            }
            // A stream with a hole in it is of no use any more.
            is_dead |= swallows.load(Ordering::SeqCst);
            if is_dead {
                thread::sleep(Duration::from_millis(10));
            } else {
                to.write_all(&buffer[..read])?;
            }
        }
    };
    // Either side may hang up at any time, and then the other is hung up on.
    thread::spawn(has_swallowed);
}
