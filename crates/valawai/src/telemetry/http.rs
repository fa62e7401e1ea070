//! One request and its response, over HTTP/1.1.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::deadline::Deadline;

/// The longest head of a request, in bytes, and the most headers.
const LONGEST_HEAD: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;

/// How much of what a client still sends is read, so that it receives the response, and for how long.
const LONGEST_REST: u64 = 64 * 1024;
const REST_LIMIT: Duration = Duration::from_millis(500);

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    /// The media types that it accepts; empty if it does not say.
    pub(super) accept: String,
}

/// What it gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: Status,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// The status codes that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    HeaderFieldsTooLarge,
    ServiceUnavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed\r\nAllow: GET, HEAD",
            Self::RequestTimeout => "408 Request Timeout",
            Self::HeaderFieldsTooLarge => "431 Request Header Fields Too Large",
            Self::ServiceUnavailable => "503 Service Unavailable",
        }
    }
}

impl Response {
    pub(super) fn text(status: Status, text: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{text}\n") }
    }
}

/// Reads a request, writes the response, and closes the connection, all within `limit`.
///
/// # Errors
/// If the client is gone, or does not take the response in time.
pub(super) fn serve(client: &TcpStream, limit: Duration, answer: impl FnOnce(&Request) -> Response) -> io::Result<()> {
    let mut stream = Deadline::new(client, limit);
    let (response, has_body) = match read(&mut stream) {
        Ok(request) => (answer(&request), request.method != "HEAD"),
        Err(Refused::Gone) => return Ok(()),
        Err(Refused::With(status)) => (Response::text(status, "this is not a request that is answered here"), true),
    };
    write(&mut stream_for(client, &response, stream), &response, has_body)?;
    client.shutdown(Shutdown::Write)?;
    // Closing a connection with unread bytes may destroy the response on its way.
    let rest = Deadline::new(client, REST_LIMIT);
    let _ = io::copy(&mut rest.take(LONGEST_REST), &mut io::sink());
    Ok(())
}

/// A client that was too slow has another moment to receive that.
fn stream_for<'s>(client: &'s TcpStream, response: &Response, stream: Deadline<'s>) -> Deadline<'s> {
    if response.status == Status::RequestTimeout { Deadline::new(client, REST_LIMIT) } else { stream }
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// The client has closed the connection.
    Gone,
    With(Status),
}

fn read(stream: &mut impl Read) -> Result<Request, Refused> {
    let mut head = Vec::new();
    let mut block = [0; 1024];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return Err(Refused::Gone),
            Ok(count) => head.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
                return Err(Refused::With(Status::RequestTimeout));
            }
            Err(_) => return Err(Refused::Gone),
        }
        if let Some(request) = parse(&head)? {
            return Ok(request);
        }
        if head.len() >= LONGEST_HEAD {
            return Err(Refused::With(Status::HeaderFieldsTooLarge));
        }
    }
}

/// `None` if more is to come.
fn parse(head: &[u8]) -> Result<Option<Request>, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refused::With(Status::HeaderFieldsTooLarge)),
        Err(_) => return Err(Refused::With(Status::BadRequest)),
    }
    let accepts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("accept"));
    let accepts: Vec<&str> = accepts.filter_map(|header| std::str::from_utf8(header.value).ok()).collect();
    Ok(Some(Request {
        method: request.method.unwrap_or_default().to_owned(),
        path: path_of(request.path.unwrap_or_default()).to_owned(),
        accept: accepts.join(","),
    }))
}

/// The path of a target, which may be a whole URL.
fn path_of(target: &str) -> &str {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => target,
    };
    path.split('?').next().unwrap_or_default()
}

fn write(stream: &mut impl Write, response: &Response, has_body: bool) -> io::Result<()> {
    let Response { status, content_type, body } = response;
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        status.line(),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if has_body { stream.write_all(body.as_bytes()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn request(text: &str) -> Request {
        parse(text.as_bytes()).unwrap().expect("a whole request")
    }

    #[test]
    fn a_request_has_a_path_without_the_query_and_all_media_types() {
        let found = request("GET /metrics?name=x HTTP/1.1\r\naccept: a/b\r\nHost: x\r\nAccept: c/d\r\n\r\n");
        let expected = Request { method: "GET".into(), path: "/metrics".into(), accept: "a/b,c/d".into() };
        assert_eq!(found, expected);
        assert_eq!(request("GET http://host:1/health/live?x HTTP/1.1\r\n\r\n").path, "/health/live");
        assert_eq!(request("GET http://host HTTP/1.0\r\n\r\n").path, "/");
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_status() {
        let many = "X: y\r\n".repeat(MOST_HEADERS + 1);
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LONGEST_HEAD));
        for (text, status) in [
            ("\0\0\0\r\n\r\n".to_owned(), Status::BadRequest),
            ("GET /metrics HTTP/3.0\r\n\r\n".to_owned(), Status::BadRequest),
            ("GET /\u{1b}[2J HTTP/1.1\r\n\r\n".to_owned(), Status::BadRequest),
            (format!("GET / HTTP/1.1\r\n{many}\r\n"), Status::HeaderFieldsTooLarge),
            (long[..LONGEST_HEAD].to_owned(), Status::HeaderFieldsTooLarge),
        ] {
            assert_eq!(
                read(&mut text.as_bytes()),
                Err(Refused::With(status)),
                "{:.40}",
                text.escape_debug().to_string()
            );
        }
        assert_eq!(read(&mut "GET /metrics HT".as_bytes()), Err(Refused::Gone));
    }

    #[test]
    fn the_response_to_head_has_the_length_and_no_body() {
        let response = Response::text(Status::Ok, "body");
        let mut written = Vec::new();
        write(&mut written, &response, false).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(written.contains("Content-Length: 5\r\n") && written.ends_with("\r\n\r\n"), "{written}");
    }
}
