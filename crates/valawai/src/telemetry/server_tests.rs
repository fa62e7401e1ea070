//! The server with clients on sockets, also with those that want to harm it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;

fn server() -> Telemetry {
    Telemetry::serve(&("127.0.0.1".to_owned(), 0)).expect("a free port")
}

fn connect(server: &Telemetry) -> TcpStream {
    let client = TcpStream::connect(server.address()).expect("connect to the server");
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client
}

/// What the server answers to `request`.
fn answer(server: &Telemetry, request: &[u8]) -> String {
    let mut client = connect(server);
    client.write_all(request).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer in UTF-8");
    answer
}

#[test]
fn a_page_is_served_with_its_status_and_length() {
    let server = server();
    let live = answer(&server, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(live.starts_with("HTTP/1.1 200 OK\r\n") && live.ends_with("\r\n\r\nlive\n"), "{live}");
    assert!(live.contains("Content-Length: 5\r\n") && live.contains("Connection: close\r\n"), "{live}");
    let ready = answer(&server, b"GET /health/ready HTTP/1.0\r\n\r\n");
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.ends_with("not ready: it starts\n"), "{ready}");
    let metrics = answer(&server, b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n");
    assert!(metrics.contains("process_resident_memory_bytes ") && metrics.ends_with("# EOF\n"), "{metrics}");
}

#[test]
fn a_client_that_sends_too_much_gets_an_answer_all_the_same() {
    let server = server();
    let long = answer(&server, format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(40_000)).as_bytes());
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let with_body = format!("POST /metrics HTTP/1.1\r\nContent-Length: 30000\r\n\r\n{}", "x".repeat(30_000));
    let refused = answer(&server, with_body.as_bytes());
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD\r\n"), "{refused}");
}

#[test]
fn a_client_that_sends_byte_by_byte_is_ended_although_it_never_pauses() {
    let server = server();
    let mut client = connect(&server);
    let mut reader = client.try_clone().unwrap();
    let began = Instant::now();
    std::thread::spawn(move || {
        while client.write_all(b"x").is_ok() && began.elapsed() < 3 * connections::LONGEST {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut answer = Vec::new();
    // The server closes the connection while bytes arrive, which may end it with an error.
    let _ = reader.read_to_end(&mut answer);
    let (took, answer) = (began.elapsed(), String::from_utf8_lossy(&answer).into_owned());
    assert!(took < 2 * connections::LONGEST, "the connection lasted {took:?}");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
}

#[test]
fn clients_that_hold_connections_keep_nobody_out() {
    let server = server();
    let mut held: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    let began = Instant::now();
    let live = answer(&server, b"GET /health/live HTTP/1.1\r\n\r\n");
    assert!(
        live.ends_with("live\n") && began.elapsed() < connections::LONGEST / 2,
        "{live} after {:?}",
        began.elapsed()
    );
    let threads = || {
        let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        names
            .filter_map(|it| std::fs::read_to_string(it.path().join("comm")).ok())
            .filter(|it| it.starts_with("telemetry-"))
            .count()
    };
    // Other tests of this process have servers as well; without a limit there would be a hundred here.
    assert!(threads() < 50, "{} threads", threads());
    assert_eq!(held[0].read(&mut [0]).unwrap_or_default(), 0, "the oldest connection is open");
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = server();
    let error = Telemetry::serve(&("127.0.0.1".to_owned(), server.address().port())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
