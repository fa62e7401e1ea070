//! A session with a server of rustls, on a socket that accepts and returns bytes in parts.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use testkit::Authority;
use testkit::certificates::OWN_NAMES;

use super::*;
use crate::tls::{BROKER, Options};

const LIMIT: Duration = Duration::from_secs(60);

fn options() -> Options {
    Options { ca_file: Some(Authority::shared().ca_file().to_owned()), ..Options::new(&BROKER) }
}

/// A session, and the other end of it, which blocks.
fn connect() -> (TlsSession, TcpStream, StreamOwned<ServerConnection, TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepting = thread::spawn(move || {
        let identity = Authority::shared().server(&OWN_NAMES);
        let chain = CertificateDer::pem_file_iter(&identity.cert_file).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&identity.key_file).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let mut socket = listener.accept().unwrap().0;
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        connection.complete_io(&mut socket).unwrap();
        StreamOwned::new(connection, socket)
    });
    let session = TlsSession::new(handshake(&options(), "127.0.0.1", &socket).unwrap());
    socket.set_nonblocking(true).unwrap();
    (session, socket, accepting.join().unwrap())
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(bytes).collect()
}

/// Repeats a call that does not block.
fn until<T>(mut call: impl FnMut() -> io::Result<T>) -> T {
    let start = Instant::now();
    loop {
        match call() {
            Ok(value) => return value,
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < LIMIT, "the other side does not go on");
    }
}

#[test]
fn bytes_arrive_in_both_directions_although_the_socket_takes_them_in_parts_and_keys_change() {
    let bytes = pattern(20_000_000);
    let (session, socket, mut peer) = connect();
    let expected = bytes.clone();
    let echo = thread::spawn(move || {
        let mut received = vec![0; expected.len()];
        for part in received.chunks_mut(1_000_000) {
            peer.read_exact(part).unwrap();
            peer.conn.refresh_traffic_keys().unwrap();
            peer.write_all(part).unwrap();
        }
        assert!(received == expected, "other bytes arrived");
        peer
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let written = until(|| session.write(&socket, rest));
                rest = &rest[written..];
            }
            while !until(|| session.flush(&socket)) {
                thread::yield_now();
            }
        });
        let (mut echoed, mut length) = (vec![0; bytes.len()], 0);
        while length < echoed.len() {
            let end = echoed.len().min(length + 100_000);
            let read = until(|| session.read(&socket, &mut echoed[length..end]));
            assert!(read > 0, "the stream ended after {length} bytes");
            length += read;
        }
        assert!(echoed == bytes, "other bytes came back");
    });
    let mut peer = echo.join().unwrap();
    session.close(&socket);
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0, "the server did not see an orderly end");
}

#[test]
fn what_is_decrypted_is_read_although_the_socket_has_nothing_more() {
    let (session, socket, mut peer) = connect();
    peer.write_all(&pattern(10_000)).unwrap();
    peer.flush().unwrap();
    let mut all: Vec<u8> = Vec::new();
    while all.len() < 10_000 {
        let mut part = [0; 7];
        let read = until(|| session.read(&socket, &mut part));
        all.extend(&part[..read]);
    }
    assert_eq!(all, pattern(10_000));
    let nothing = session.read(&socket, &mut [0; 7]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
}

#[test]
fn while_the_peer_reads_nothing_little_is_taken() {
    let (session, socket, _peer) = connect();
    let bytes = pattern(1_000_000);
    let mut taken = 0;
    let refused = loop {
        match session.write(&socket, &bytes) {
            Ok(0) => panic!("nothing was taken, and nothing said to wait"),
            Ok(written) => taken += written,
            Err(error) => break error,
        }
        // What the kernel buffers for a connection on this machine is far less.
        assert!(taken < 20_000_000, "{taken} bytes were taken");
    };
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    assert!(!session.flush(&socket).unwrap(), "something must wait");
}

#[test]
fn a_socket_that_is_closed_without_notice_is_the_end_of_the_stream() {
    let (session, socket, peer) = connect();
    drop(peer.sock);
    assert_eq!(until(|| session.read(&socket, &mut [0; 7])), 0);
}

#[test]
fn bytes_that_are_no_tls_are_an_error_with_the_reason() {
    let (session, socket, mut peer) = connect();
    peer.sock.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    let error = loop {
        match session.read(&socket, &mut [0; 7]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            other => break other.unwrap_err(),
        }
    };
    assert!(tls::failure(&error, &options()).unwrap().contains("answered without TLS"), "{error}");
}
