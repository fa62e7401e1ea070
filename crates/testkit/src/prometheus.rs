//! Prometheus, from Debian's package `prometheus`, which has `promtool` as well.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::node::ports::free_port;
use crate::store::server::{Launch, Server, in_path};

/// A Prometheus server. It is killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Prometheus {
    server: Server,
    _configuration: TempDir,
}

impl Prometheus {
    /// Starts a server that asks `target`, as in `127.0.0.1:9464`, for its metrics each second, and has these files with rules.
    /// Without a program the test fails with instructions.
    pub fn start(target: &str, rules: &[&Path]) -> Self {
        let configuration = tempfile::Builder::new().prefix("valawai-prometheus-").tempdir().expect("make a directory");
        let file = configuration.path().join("prometheus.yml");
        let rules: Vec<String> = rules.iter().map(|path| format!("{:?}", path.display().to_string())).collect();
        let text = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\nscrape_configs:\n  - job_name: component\n    static_configs: [{{ targets: [{target:?}] }}]\n",
            rules.join(", ")
        );
        fs::write(&file, text).expect("write the configuration of Prometheus");
        let program = program("prometheus");
        let server = Server::start(|data| {
            let port = free_port();
            let arguments = vec![
                format!("--config.file={}", file.display()),
                format!("--storage.tsdb.path={data}"),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ];
            Launch { program: program.clone(), arguments, port, ready: "/-/ready" }
        });
        Self { server, _configuration: configuration }
    }

    /// The values of an expression now, by their labels.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let query: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}"));
        let results = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{expression}: {answer}")).clone();
        let value = |result: &Value| result["value"][1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        results.into_iter().map(|result| (result["metric"].clone(), value(&result))).collect()
    }

    /// What its HTTP interface answers to a path.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = http::get(&format!("http://127.0.0.1:{}{path}", self.server.port()), "*/*");
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{path} answered {}: {error}", answer.body))
    }
}

/// Runs `promtool` with an input, and returns whether it succeeded, and what it printed.
#[track_caller]
pub fn promtool(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(program("promtool"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run promtool");
    let mut stdin = child.stdin.take().expect("its input");
    // It may end without reading all of it.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("wait for promtool");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

fn program(name: &str) -> PathBuf {
    in_path(name).unwrap_or_else(|| {
        panic!("no `{name}` in PATH: on Debian or Ubuntu run `apt-get install prometheus`; the service need not run")
    })
}
