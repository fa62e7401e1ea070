//! Consul, which Debian has no package of.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::http::{self, Header, NO_HEADER};
use super::server::{Launch, Server, in_path};
use crate::node::ports::free_port;
use crate::wait::{SOON, wait_until};

/// The variable that names the program.
const PROGRAM: &str = "VALAWAI_TEST_CONSUL";
/// A token that may do everything.
const ROOT_TOKEN: &str = "5ca1ab1e-0000-4000-8000-000000000001";
/// The token of [`Consul::start_with_token`].
const TOKEN: &str = "5ca1ab1e-0000-4000-8000-000000000002";

/// A Consul agent that keeps its data in memory. It is killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Consul {
    server: Server,
    requires_token: bool,
}

impl Consul {
    /// Starts a Consul without data, if this machine has the program. Otherwise it says that the test is skipped.
    #[track_caller]
    pub fn start() -> Option<Self> {
        program().map(|program| Self::start_with(&program, false))
    }

    /// The same, with [`Consul::token`] required to read the keys below `prefix`.
    #[track_caller]
    pub fn start_with_token(prefix: &str) -> Option<Self> {
        let consul = program().map(|program| Self::start_with(&program, true))?;
        consul.make_token(prefix);
        Some(consul)
    }

    fn start_with(program: &Path, requires_token: bool) -> Self {
        let server = Server::start(|_| {
            let port = free_port();
            let ports = format!(
                "ports {{ dns = -1 grpc = -1 serf_wan = -1 http = {port} server = {} serf_lan = {} }}",
                free_port(),
                free_port()
            );
            let acl = format!(
                "acl {{ enabled = {requires_token} default_policy = \"deny\" \
                 tokens {{ initial_management = \"{ROOT_TOKEN}\" }} }}"
            );
            let arguments = [
                "agent",
                "-dev",
                "-bind=127.0.0.1",
                "-client=127.0.0.1",
                "-node=valawai-tests",
                "-hcl",
                &ports,
                "-hcl",
                &acl,
                "-hcl",
                "disable_update_check = true",
            ];
            let arguments = arguments.map(str::to_owned).into();
            Launch { program: program.to_owned(), arguments, port, ready: "/v1/status/leader" }
        });
        Self { server, requires_token }
    }

    fn make_token(&self, prefix: &str) {
        // The system of tokens is ready some time after the leader is elected.
        wait_until("Consul to accept the root token", SOON, || {
            let (name, value) = self.root();
            let url = format!("http://127.0.0.1:{}/v1/acl/token/self", self.port());
            ureq::get(url).header(name, value).call().is_ok()
        });
        let rules = format!("key_prefix \"{prefix}\" {{ policy = \"read\" }}");
        let put = |path, json: serde_json::Value| {
            http::put(self.port(), path, self.root(), "application/json", json.to_string().as_bytes())
        };
        put("/v1/acl/policy", json!({"Name": "reader", "Rules": rules}));
        put("/v1/acl/token", json!({"SecretID": TOKEN, "Policies": [{"Name": "reader"}]}));
    }

    fn root(&self) -> Header<'static> {
        if self.requires_token { ("X-Consul-Token", ROOT_TOKEN) } else { NO_HEADER }
    }

    /// The port of HTTP on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The token that may read.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Writes a key.
    #[track_caller]
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        let answer = http::put(self.port(), &format!("/v1/kv/{key}"), self.root(), "text/plain", value.as_ref());
        assert_eq!(answer.trim(), "true", "Consul did not write {key}");
    }

    /// Deletes a key.
    #[track_caller]
    pub fn delete(&self, key: &str) {
        http::delete(self.port(), &format!("/v1/kv/{key}"), self.root());
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        self.server.process().kill();
    }

    /// Starts it after [`Consul::kill`], without data and with the same port. Its index begins again.
    pub fn start_again(&self) {
        self.server.start_again();
    }

    /// Stops it with SIGSTOP: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.server.process().freeze();
    }

    /// Ends [`Consul::freeze`].
    pub fn thaw(&self) {
        self.server.process().thaw();
    }
}

/// The program; says on standard error, past the capture of the test harness, that the test is skipped without one.
#[track_caller]
fn program() -> Option<PathBuf> {
    let program = env::var_os(PROGRAM).map_or_else(|| in_path("consul"), |path| Some(PathBuf::from(path)));
    if program.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let reason = format!("no `consul` in PATH, and {PROGRAM} is not set; `.ci/consul.sh` builds it");
        let _ = writeln!(std::io::stderr(), "\n!! SKIPPED: {test}: {reason}\n");
    }
    program
}
