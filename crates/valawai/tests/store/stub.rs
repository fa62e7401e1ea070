//! An HTTP server that answers whatever a test wants.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on a free port, which runs until the test process ends.
pub(super) struct Stub {
    port: u16,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Starts a server that passes each request to `answer`: its number, its path with the query, and the connection.
    pub(super) fn scripted(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the stub");
        let port = listener.local_addr().expect("the port of the stub").port();
        let paths = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&paths), Arc::new(answer));
        thread::spawn(move || {
            for mut socket in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let Ok(path) = read_request(&socket) else { return };
                    let number = {
                        let mut seen = seen.lock().expect("the paths");
                        seen.push(path.clone());
                        seen.len() - 1
                    };
                    answer(number, &path, &mut socket);
                });
            }
        });
        Self { port, paths }
    }

    /// Starts a server with one answer to everything.
    pub(super) fn answering(status: &str, headers: &str, body: &str) -> Self {
        let [status, headers, body] = [status, headers, body].map(str::to_owned);
        Self::scripted(move |_, _, socket| write_answer(socket, &status, &headers, &body))
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The paths that were requested, with their queries.
    pub(super) fn paths(&self) -> Vec<String> {
        self.paths.lock().expect("the paths").clone()
    }
}

/// Reads a request, and returns its path.
fn read_request(socket: &TcpStream) -> io::Result<String> {
    let mut reader = BufReader::new(socket);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(first.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// Writes a whole answer. The client may have gone.
pub(super) fn write_answer(socket: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}");
    let _ = socket.write_all(answer.as_bytes());
}

/// Writes the beginning of an answer whose body ends with the connection.
pub(super) fn write_head(socket: &mut TcpStream, headers: &str) {
    let _ = socket.write_all(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n").as_bytes());
}

/// Writes a text again and again, with pauses, until the client has gone.
pub(super) fn write_forever(socket: &mut TcpStream, text: &[u8], pause: std::time::Duration) {
    while socket.write_all(text).is_ok() {
        thread::sleep(pause);
    }
}
