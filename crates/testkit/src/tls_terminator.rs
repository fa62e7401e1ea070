//! A proxy that accepts TLS and forwards the plain bytes, for servers without TLS and for certificates that must be refused.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::certificates::Identity;

/// How long a connection without traffic waits before it looks again.
const PAUSE: Duration = Duration::from_millis(1);

/// Forwards connections to a port of this machine. It runs until the test process ends.
#[derive(Debug)]
pub struct TlsTerminator {
    port: u16,
    received: Arc<AtomicUsize>,
}

impl TlsTerminator {
    /// Starts a proxy to the port `target`, with the certificate `identity`.
    pub fn start(target: u16, identity: &Identity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the proxy");
        let port = listener.local_addr().expect("the port of the proxy").port();
        let received = Arc::new(AtomicUsize::new(0));
        let (config, counter) = (config(identity), Arc::clone(&received));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a configuration that is valid");
                let counter = Arc::clone(&counter);
                thread::spawn(move || forward(connection, client, target, &counter));
            }
        });
        Self { port, received }
    }

    /// The port with TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many plain bytes clients have sent.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn config(identity: &Identity) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(&identity.cert_file).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&identity.key_file).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the default versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(chain, key).expect("a certificate and its key"))
}

/// Forwards in both directions until either side has closed.
fn forward(
    mut connection: ServerConnection,
    mut client: TcpStream,
    target: u16,
    received: &AtomicUsize,
) -> io::Result<()> {
    connection.complete_io(&mut client)?;
    // While the target is down, a client's connection is closed at once.
    let mut server = TcpStream::connect(("127.0.0.1", target))?;
    client.set_nonblocking(true)?;
    server.set_nonblocking(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut is_idle = true;
        match connection.read_tls(&mut client) {
            Ok(0) => return Ok(()),
            Ok(_) => is_idle = false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if let Err(error) = connection.process_new_packets() {
            let _ = connection.write_tls(&mut client);
            return Err(io::Error::other(error));
        }
        while let Ok(read @ 1..) = connection.reader().read(&mut buffer) {
            received.fetch_add(read, Ordering::SeqCst);
            write_all(&mut server, &buffer[..read])?;
        }
        match server.read(&mut buffer) {
            Ok(0) => {
                connection.send_close_notify();
                return flush(&mut connection, &mut client);
            }
            Ok(read) => {
                is_idle = false;
                connection.writer().write_all(&buffer[..read])?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        flush(&mut connection, &mut client)?;
        if is_idle {
            thread::sleep(PAUSE);
        }
    }
}

fn flush(connection: &mut ServerConnection, client: &mut TcpStream) -> io::Result<()> {
    while connection.wants_write() {
        match connection.write_tls(client) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            result => drop(result?),
        }
    }
    Ok(())
}

fn write_all(socket: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
