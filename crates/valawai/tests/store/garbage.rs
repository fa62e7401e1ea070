//! Answers that no store gives: each is an error within the time limit, and no part of it is printed.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Error, Login, Store};

use super::stub::{Stub, write_answer, write_forever, write_head};
use super::{TIMEOUT, options};

/// A part of each answer that must not be printed.
const SECRET: &str = "hunter2";

const INDEX: &str = "X-Consul-Index: 7\r\nX-Etcd-Index: 7\r\n";

/// Loads from a store that answers so, with each client. What went wrong is passed to `check`.
fn load_with_each_client(
    what: &str,
    answer: impl Fn(&mut TcpStream) + Clone + Send + Sync + 'static,
    check: impl Fn(&Error),
) {
    let login = || Some(Login { username: "echo".to_owned(), password: Secret::new(SECRET) });
    let token = Some(Secret::new(SECRET));
    for api in [
        Api::Consul { token },
        Api::Etcd3 { login: None },
        Api::Etcd3 { login: login() },
        Api::Etcd2 { login: login() },
    ] {
        let answer = answer.clone();
        let stub = Stub::scripted(move |_, _, socket| answer(socket));
        let began = Instant::now();
        let result = Store::new(options(stub.port(), api.clone(), &["/config/c1_echo"])).load();
        let took = began.elapsed();
        let error = result.expect_err(&format!("{what} was accepted by {api:?}"));
        assert!(took < TIMEOUT + Duration::from_secs(2), "{what} took {api:?} {took:?}");
        let message = format!("{error} {error:?}");
        assert!(!message.contains(SECRET), "{api:?} printed a part of {what}: {message}");
        assert!(error.to_string().contains(&format!("127.0.0.1:{}", stub.port())), "{error} does not say where");
        check(&error);
    }
}

fn bodies_are_errors(status: &'static str, headers: &'static str, bodies: &[&str], check: impl Fn(&Error)) {
    for body in bodies {
        let (what, body) = (format!("{status} with {}", &body[..body.len().min(60)]), (*body).to_owned());
        load_with_each_client(&what, move |socket| write_answer(socket, status, headers, &body), &check);
    }
}

#[test]
fn other_bodies_are_errors() {
    let deep = "[".repeat(1_000_000);
    bodies_are_errors(
        "200 OK",
        INDEX,
        &[
            "",
            "hunter2",
            "<html>hunter2</html>",
            r#"[{"Key":"config/c1_echo/hunter2","Val"#,
            r#"{"header":{"revision":"hunter2"}}"#,
            r#"{"header":{"revision":"7"},"kvs":[{"key":"hunter2 is not Base64"}]}"#,
            r#"[{"Key":"config/c1_echo/a","Value":"hunter2 is not Base64"}]"#,
            r#"{"token":"hunter2","node":"hunter2"}"#,
            r#"{"token":["hunter2"],"node":{"nodes":"hunter2"}}"#,
            "\"hunter2\"",
            "null",
            &deep,
        ],
        |error| assert!(matches!(error, Error::Invalid { .. }), "{error}"),
    );
}

#[test]
fn other_statuses_are_errors() {
    for status in ["204 No Content", "404 Not Found", "429 Too Many Requests", "500 Internal Server Error", "503 Away"]
    {
        bodies_are_errors(status, "", &["", "hunter2", r#"{"error":"hunter2","code":2}"#], |error| {
            assert!(matches!(error, Error::Status { .. } | Error::Invalid { .. }), "{error}");
        });
    }
}

#[test]
fn redirects_are_not_followed() {
    let target = Stub::answering("200 OK", INDEX, "[]");
    let location = format!("Location: http://127.0.0.1:{}/hunter2\r\n", target.port());
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let headers = location.clone();
        load_with_each_client(
            status,
            move |socket| write_answer(socket, status, &headers, ""),
            |error| assert!(error.to_string().contains("redirects are not followed"), "{error}"),
        );
    }
    assert_eq!(target.paths(), Vec::<String>::new());
}

#[test]
fn broken_connections_are_errors() {
    load_with_each_client("a closed connection", |_| (), |_| ());
    load_with_each_client(
        "a body that is shorter than it says",
        |socket| write_head(socket, "Content-Length: 100\r\n"),
        |_| (),
    );
    load_with_each_client(
        "something that is not HTTP",
        |socket| {
            let _ = std::io::Write::write_all(socket, b"220 hunter2 ESMTP\r\n\r\n");
        },
        |_| (),
    );
    load_with_each_client(
        "wrong chunks",
        |socket| {
            write_head(socket, "Transfer-Encoding: chunked\r\n");
            let _ = std::io::Write::write_all(socket, b"hunter2\r\n{}\r\n0\r\n\r\n");
        },
        |_| (),
    );
}

#[test]
fn endless_answers_are_errors() {
    let fill = "[\"hunter2\", ".repeat(1000);
    load_with_each_client(
        "an endless body",
        move |socket| {
            write_head(socket, INDEX);
            write_forever(socket, fill.as_bytes(), Duration::ZERO);
        },
        |error| assert!(matches!(error, Error::TooLarge { .. }), "{error}"),
    );
    load_with_each_client(
        "endless headers",
        |socket| {
            let _ = std::io::Write::write_all(socket, b"HTTP/1.1 200 OK\r\n");
            write_forever(socket, b"X-Hunter: hunter2\r\n", Duration::ZERO);
        },
        |_| (),
    );
    load_with_each_client(
        "endless preliminary answers",
        |socket| write_forever(socket, b"HTTP/1.1 102 Processing\r\n\r\n", Duration::ZERO),
        |_| (),
    );
}

#[test]
fn slow_answers_are_errors() {
    let is_timeout = |error: &Error| assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let drip = Duration::from_millis(100);
    load_with_each_client("silence", |_| std::thread::sleep(2 * TIMEOUT), is_timeout);
    load_with_each_client(
        "a body that drips",
        move |socket| {
            write_head(socket, INDEX);
            write_forever(socket, b" ", drip);
        },
        is_timeout,
    );
    load_with_each_client("a head that drips", move |socket| write_forever(socket, b"H", drip), |_| ());
    load_with_each_client(
        "headers that drip",
        move |socket| {
            let _ = std::io::Write::write_all(socket, b"HTTP/1.1 200 OK\r\nX-Hunter: ");
            write_forever(socket, b"h", drip);
        },
        is_timeout,
    );
}
