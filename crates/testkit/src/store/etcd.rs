//! etcd, from Debian's package `etcd-server`.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::http::{self, NO_HEADER};
use super::server::{Launch, Server, in_path};
use crate::certificates::{Authority, OWN_NAMES};
use crate::node::ports::free_port;

/// The password of the user `root`, who may do everything.
const ROOT_PASSWORD: &str = "root-password";

/// An etcd server. It is killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Etcd {
    server: Server,
    tls_port: u16,
    has_authentication: Mutex<bool>,
}

impl Etcd {
    /// Starts an etcd without data. Without a program the test fails with instructions.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts an etcd that also offers its version 2, whose data are apart from those of version 3.
    pub fn start_with_v2() -> Self {
        Self::start_with(&["--enable-v2"])
    }

    /// Starts an etcd whose clients with TLS need a certificate of the shared authority.
    pub fn start_requiring_client_certificate() -> Self {
        let ca_file = format!("--trusted-ca-file={}", Authority::shared().ca_file().display());
        Self::start_with(&["--client-cert-auth", &ca_file])
    }

    fn start_with(options: &[&str]) -> Self {
        let program = in_path("etcd").unwrap_or_else(|| {
            panic!("no `etcd` in PATH: on Debian or Ubuntu run `apt-get install etcd-server`; the service need not run")
        });
        let identity = Authority::shared().server(&OWN_NAMES);
        let tls_port = Cell::new(0);
        let server = Server::start(|data| {
            let port = free_port();
            tls_port.set(free_port());
            let tls = format!("https://127.0.0.1:{}", tls_port.get());
            let [client, peer] = [port, free_port()].map(|port| format!("http://127.0.0.1:{port}"));
            let arguments = [
                format!("--data-dir={data}"),
                format!("--listen-client-urls={client},{tls}"),
                format!("--cert-file={}", identity.cert_file.display()),
                format!("--key-file={}", identity.key_file.display()),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
            ];
            let arguments = arguments.into_iter().chain(options.iter().map(|&option| option.to_owned()));
            Launch { program: program.clone(), arguments: arguments.collect(), port, ready: "/health" }
        });
        Self { server, tls_port: tls_port.get(), has_authentication: Mutex::new(false) }
    }

    /// The port of its clients on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The port of its clients with TLS, on 127.0.0.1. The certificate is of the shared authority.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Writes a key.
    #[track_caller]
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        self.call("/v3/kv/put", &json!({"key": STANDARD.encode(key), "value": STANDARD.encode(value)}));
    }

    /// Deletes a key.
    #[track_caller]
    pub fn delete(&self, key: &str) {
        self.call("/v3/kv/deleterange", &json!({"key": STANDARD.encode(key)}));
    }

    /// Forgets the history up to the current revision.
    #[track_caller]
    pub fn compact(&self) {
        let answer = self.call("/v3/kv/range", &json!({"key": STANDARD.encode("x")}));
        self.call("/v3/kv/compaction", &json!({"revision": answer["header"]["revision"], "physical": true}));
    }

    /// Turns authentication on, with a user who may only read the keys below `prefix`.
    #[track_caller]
    pub fn require_login(&self, user: &str, password: &str, prefix: &str) {
        self.call("/v3/auth/user/add", &json!({"name": "root", "password": ROOT_PASSWORD}));
        self.call("/v3/auth/role/add", &json!({"name": "root"}));
        self.call("/v3/auth/user/grant", &json!({"user": "root", "role": "root"}));
        self.call("/v3/auth/user/add", &json!({"name": user, "password": password}));
        self.call("/v3/auth/role/add", &json!({"name": "reader"}));
        let [key, end] = [format!("{prefix}/"), format!("{prefix}0")].map(|key| STANDARD.encode(key));
        let permission = json!({"permType": "READ", "key": key, "range_end": end});
        self.call("/v3/auth/role/grant", &json!({"name": "reader", "perm": permission}));
        self.call("/v3/auth/user/grant", &json!({"user": user, "role": "reader"}));
        self.call("/v3/auth/enable", &json!({}));
        *self.has_authentication.lock() = true;
    }

    /// Sets the password of a user, whose tokens are void after that, as expired ones are.
    #[track_caller]
    pub fn set_password(&self, user: &str, password: &str) {
        self.call("/v3/auth/user/changepw", &json!({"name": user, "password": password}));
    }

    #[track_caller]
    fn call(&self, path: &str, json: &Value) -> Value {
        if !*self.has_authentication.lock() {
            return http::post(self.port(), path, NO_HEADER, json);
        }
        let login = json!({"name": "root", "password": ROOT_PASSWORD});
        let answer = http::post(self.port(), "/v3/auth/authenticate", NO_HEADER, &login);
        let token = answer["token"].as_str().expect("a token for root");
        http::post(self.port(), path, ("Authorization", token), json)
    }

    /// Writes a key of version 2.
    #[track_caller]
    pub fn put_v2(&self, key: &str, value: &str) {
        let body = format!("value={value}");
        self.put_as_root(&format!("/v2/keys{key}"), "application/x-www-form-urlencoded", &body);
    }

    #[track_caller]
    fn put_as_root(&self, path: &str, content_type: &str, body: &str) {
        let authorization = format!("Basic {}", STANDARD.encode(format!("root:{ROOT_PASSWORD}")));
        let login = ("Authorization", authorization.as_str());
        let header = if *self.has_authentication.lock() { login } else { NO_HEADER };
        http::put(self.port(), path, header, content_type, body.as_bytes());
    }

    /// Deletes a key of version 2.
    #[track_caller]
    pub fn delete_v2(&self, key: &str) {
        http::delete(self.port(), &format!("/v2/keys{key}"), NO_HEADER);
    }

    /// Turns the authentication of version 2 on, with a user who may only read the keys below `prefix`.
    #[track_caller]
    pub fn require_login_v2(&self, user: &str, password: &str, prefix: &str) {
        let put = |path: &str, json: &Value| {
            self.put_as_root(path, "application/json", &json.to_string());
        };
        put("/v2/auth/users/root", &json!({"user": "root", "password": ROOT_PASSWORD}));
        // Reading recursively requires this pattern.
        let read = json!([format!("{prefix}*")]);
        put("/v2/auth/roles/reader", &json!({"role": "reader", "permissions": {"kv": {"read": read, "write": []}}}));
        put(&format!("/v2/auth/users/{user}"), &json!({"user": user, "password": password, "roles": ["reader"]}));
        put("/v2/auth/enable", &json!({}));
        *self.has_authentication.lock() = true;
        // Everybody may read until this.
        let guest = json!({"role": "guest", "revoke": {"kv": {"read": ["/*"], "write": ["/*"]}}});
        put("/v2/auth/roles/guest", &guest);
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        self.server.process().kill();
    }

    /// Starts it after [`Etcd::kill`], with the same data and port.
    pub fn start_again(&self) {
        self.server.start_again();
    }

    /// Removes its data after [`Etcd::kill`].
    pub fn wipe(&self) {
        self.server.wipe();
        *self.has_authentication.lock() = false;
    }

    /// Stops it with SIGSTOP: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.server.process().freeze();
    }

    /// Ends [`Etcd::freeze`].
    pub fn thaw(&self) {
        self.server.process().thaw();
    }
}
