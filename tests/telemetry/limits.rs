//! Clients of the metrics cannot harm the component.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use testkit::Node;
use testkit::http;

use super::{OPEN_METRICS, address, get, test_bed};

/// How many clients hold connections.
const CLIENTS: usize = 200;

#[test]
fn slow_and_hostile_clients_keep_neither_others_out_nor_messages_from_being_echoed() {
    let test_bed = test_bed(Node::shared().vhost());
    let component = test_bed.start();
    let address = address(&component);
    let before = component.rss_kb();
    let held: Vec<TcpStream> = (0..CLIENTS)
        .filter_map(|number| {
            let mut client = TcpStream::connect(&address).ok()?;
            // Some say nothing, some begin, and some send what is no request.
            let start: &[u8] = match number % 4 {
                0 => b"",
                1 => b"GET /metrics HTTP/1.1\r\nX: ",
                2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                _ => b"GET /metrics HTTP/1.1\r\n\r\n",
            };
            // The oldest connections are closed meanwhile.
            let _ = client.write_all(start);
            Some(client)
        })
        .collect();
    assert_eq!(held.len(), CLIENTS, "the connections are refused");
    let began = Instant::now();
    assert_eq!(get(&component, "/health/live").status, 200);
    assert!(began.elapsed() < Duration::from_secs(3), "an answer took {:?}", began.elapsed());
    test_bed.assert_echoes("works");
    let grown = component.rss_kb().saturating_sub(before);
    assert!(grown < 8_000, "{CLIENTS} clients took {grown} kB");
    drop(held);
    let mut endless = TcpStream::connect(&address).expect("connect");
    let url = format!("http://{address}/metrics");
    let scraper = thread::spawn(move || (0..20).all(|_| http::get(&url, OPEN_METRICS).body.ends_with("# EOF\n")));
    // It sends a header that never ends.
    let mut sent = endless.write_all(b"GET / HTTP/1.1\r\nX: ").is_ok();
    let began = Instant::now();
    while sent && began.elapsed() < Duration::from_secs(10) {
        sent = endless.write_all(&[b'x'; 1024]).is_ok();
    }
    assert!(!sent, "a request without an end is read for 10 s");
    let _ = endless.read(&mut [0; 1]);
    assert!(scraper.join().expect("the scrapes"), "a scrape was cut off");
}
