//! The MOV that a component under test talks to: the simulator as a process, which tests can kill and restart.

mod snapshot;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ureq::Agent;

use self::snapshot::LogPage;
use crate::process::built_program;
use crate::wait::{self, Poll};
use crate::{Process, ProcessBuilder, Vhost};

pub use snapshot::{
    Connection, Counts, Endpoint, LogComponent, LogEntry, MovSnapshot, Notification, Refusal, Registration,
};

/// The queue of the MOV's log.
pub const LOG_QUEUE: &str = "valawai/log/add";

const START_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// A page size that covers the whole log.
const ALL_ENTRIES: &str = "1000000";

/// A running simulator of the MOV, and its REST interface.
#[derive(Debug)]
pub struct Mov {
    builder: ProcessBuilder,
    process: Process,
    url: String,
    agent: Agent,
}

impl Mov {
    /// Starts a MOV without registrations, and waits until it consumes and answers HTTP.
    #[track_caller]
    pub fn start(vhost: &Vhost) -> Self {
        Self::start_with(Self::builder(vhost))
    }

    /// How it is started, for tests that change its settings.
    pub fn builder(vhost: &Vhost) -> ProcessBuilder {
        // A message with deeply nested headers would overflow the default stack of its AMQP client.
        let builder = ProcessBuilder::program(&binary()).plain_broker(vhost).env("RUST_MIN_STACK", 64 << 20);
        builder.env("HTTP_PORT", 0).env("RUST_BACKTRACE", 1)
    }

    /// Starts what [`Mov::builder`] made.
    #[track_caller]
    pub fn start_with(builder: ProcessBuilder) -> Self {
        let process = builder.start();
        let url = wait_for_url(&process);
        let agent = Agent::config_builder().timeout_global(Some(ANSWER_LIMIT)).http_status_as_error(false).build();
        // A restart keeps the port, because components have the address in their settings.
        let port = url.rsplit(':').next().unwrap_or_default().to_owned();
        let builder = builder.env("HTTP_PORT", port);
        Self { builder, process, url, agent: agent.into() }
    }

    /// Kills it and starts it again, without registrations and with the same REST address.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Kills it. Its queues remain.
    pub fn stop(&self) {
        self.process.kill();
    }

    /// Starts it after [`Mov::stop`].
    #[track_caller]
    pub fn start_again(&mut self) {
        self.process = self.builder.start();
        self.url = wait_for_url(&self.process);
    }

    /// The base address of its REST interface, for `MOV_URL`: `http://127.0.0.1:…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its current state.
    #[track_caller]
    pub fn snapshot(&self) -> MovSnapshot {
        let text = self.get("/simulator").1;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET /simulator returned {text}: {error}"))
    }

    /// The registrations that are not finished.
    #[track_caller]
    pub fn live(&self) -> Vec<Registration> {
        self.snapshot().live
    }

    /// The live registrations of one component.
    #[track_caller]
    pub fn live_of(&self, name: &str) -> Vec<Registration> {
        self.live().into_iter().filter(|registration| registration.name == name).collect()
    }

    /// All registrations since its start, including finished ones.
    #[track_caller]
    pub fn registrations(&self) -> Vec<Registration> {
        self.snapshot().registrations
    }

    /// All connections since its start, including removed ones.
    #[track_caller]
    pub fn connections(&self) -> Vec<Connection> {
        self.snapshot().connections
    }

    /// The messages that it rejected as invalid, with the reasons.
    #[track_caller]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.snapshot().refusals
    }

    /// The queues whose stream has failed, each with the reason.
    #[track_caller]
    pub fn poisoned(&self) -> Vec<String> {
        self.snapshot().poisoned.into_iter().map(|(queue, reason)| format!("{queue}: {reason}")).collect()
    }

    /// The last 100,000 entries of its log.
    #[track_caller]
    pub fn logs(&self) -> Vec<LogEntry> {
        self.query_logs("")
    }

    /// The log entries whose message equals `message`, or matches it as a regular expression if it is written `/…/`.
    #[track_caller]
    pub fn logs_with(&self, message: &str) -> Vec<LogEntry> {
        let encoded: String = message.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        self.query_logs(&format!("&pattern={encoded}"))
    }

    /// Waits for a state of the MOV. If the limit passes, the test fails with the state and the output of the MOV.
    #[track_caller]
    pub fn wait_until<P: Poll>(
        &self,
        what: &str,
        limit: Duration,
        mut check: impl FnMut(&MovSnapshot) -> P,
    ) -> P::Value {
        wait::poll(limit, || check(&self.snapshot())).unwrap_or_else(|| {
            panic!(
                "timed out after {limit:?} waiting for {what}. State of the MOV: {:#?}. Its output:\n{}",
                self.snapshot(),
                self.process.output()
            )
        })
    }

    /// Waits until the component has exactly one live registration, and returns it.
    #[track_caller]
    pub fn wait_registered(&self, name: &str, limit: Duration) -> Registration {
        self.wait_until(&format!("one live registration of {name}"), limit, |snapshot| {
            let mut live = snapshot.live.iter().filter(|registration| registration.name == name);
            live.next().filter(|_| live.next().is_none()).cloned()
        })
    }

    /// Sends a GET request, and returns the status and the body.
    #[track_caller]
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.agent.get(format!("{}{path}", self.url)).call().unwrap_or_else(|error| {
            panic!("the MOV does not answer GET {path}: {error}. Its output:\n{}", self.process.output())
        });
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_string();
        (response.status().as_u16(), body.expect("the body of a response"))
    }

    /// Sends a request with a body, and returns the status, the content type and the body.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("Content-Type", "application/json").body(body.to_owned()).expect("a request");
        let mut response = self.agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let content_type =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = response.body_mut().read_to_string().expect("the body of a response");
        (response.status().as_u16(), content_type, body)
    }

    #[track_caller]
    fn query_logs(&self, parameters: &str) -> Vec<LogEntry> {
        let text = self.get(&format!("/v1/logs?limit={ALL_ENTRIES}{parameters}")).1;
        let page: LogPage = serde_json::from_str(&text).expect("a page of logs");
        page.logs
    }
}

#[track_caller]
fn wait_for_url(process: &Process) -> String {
    let line = process.wait_output("listening on ", START_LIMIT);
    line.trim_start_matches("listening on ").to_owned()
}

/// The simulator's program. `cargo test -p` does not build it, so it may be missing or out of date.
fn binary() -> PathBuf {
    let path = built_program("mov_simulator");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mov_simulator/src");
    match (modified(&path), newest_below(&sources)) {
        (Some(built_at), Some(changed_at)) if built_at < changed_at => {
            panic!("the MOV simulator is older than its sources: run `cargo build --workspace`")
        }
        (Some(_), _) => path,
        (None, _) => panic!("the MOV simulator is not built: run `cargo build --workspace`"),
    }
}

fn newest_below(directory: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    entries.filter_map(|path| if path.is_dir() { newest_below(&path) } else { modified(&path) }).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
