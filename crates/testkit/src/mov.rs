//! The MOV that a component under test talks to: the simulator, as a process of its own, so that it can die.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ureq::Agent;

use super::launch::{Launch, built};
use super::node::Vhost;
use super::process::Process;
use super::snapshot::{Connection, LogEntry, MovSnapshot, Refusal, Registration};
use super::wait::{self, Poll};

/// The queue of the MOV's log.
pub const LOG_QUEUE: &str = "valawai/log/add";

const START_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// More than a test sends.
const ALL: &str = "1000000";

#[derive(Debug)]
pub struct Mov {
    launch: Launch,
    process: Process,
    url: String,
    agent: Agent,
}

impl Mov {
    /// Starts a MOV that knows nobody, and waits until it consumes and answers HTTP.
    #[track_caller]
    pub fn start(vhost: &Vhost) -> Self {
        Self::start_with(Self::launch(vhost))
    }

    /// How it is started: to change a setting of it.
    pub fn launch(vhost: &Vhost) -> Launch {
        // One message with deeply nested headers would overflow the stack of its AMQP client.
        let launch = Launch::program_at(&binary()).broker(vhost).env("RUST_MIN_STACK", 64 << 20);
        launch.env("HTTP_PORT", 0).env("RUST_BACKTRACE", 1)
    }

    #[track_caller]
    pub fn start_with(launch: Launch) -> Self {
        let process = launch.start();
        let url = wait_for_url(&process);
        let agent = Agent::config_builder().timeout_global(Some(ANSWER_LIMIT)).http_status_as_error(false).build();
        // From now on on the same port: a component that was told the address keeps it when the MOV is restarted.
        let port = url.rsplit(':').next().unwrap_or_default().to_owned();
        let launch = launch.env("HTTP_PORT", port);
        Self { launch, process, url, agent: agent.into() }
    }

    /// Kills it and starts another one, which knows nobody; its REST address stays.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Kills it. Its queues stay, and fill.
    pub fn stop(&self) {
        self.process.kill();
    }

    /// Starts it after [`Mov::stop`].
    #[track_caller]
    pub fn start_again(&mut self) {
        self.process = self.launch.start();
        self.url = wait_for_url(&self.process);
    }

    /// Where its REST interface is: `http://127.0.0.1:…`, for `MOV_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process: to freeze it, and to read its output.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// All that it knows.
    #[track_caller]
    pub fn snapshot(&self) -> MovSnapshot {
        let text = self.get("/simulator").1;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET /simulator gave {text}: {error}"))
    }

    /// The registrations that are neither unregistered nor forgotten.
    #[track_caller]
    pub fn live(&self) -> Vec<Registration> {
        self.snapshot().live
    }

    /// The live registrations of one component.
    #[track_caller]
    pub fn live_of(&self, name: &str) -> Vec<Registration> {
        self.live().into_iter().filter(|registration| registration.name == name).collect()
    }

    /// All registrations since it was started, the finished ones too.
    #[track_caller]
    pub fn registrations(&self) -> Vec<Registration> {
        self.snapshot().registrations
    }

    #[track_caller]
    pub fn connections(&self) -> Vec<Connection> {
        self.snapshot().connections
    }

    /// What it dropped, and why.
    #[track_caller]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.snapshot().refusals
    }

    /// The queues that it consumes no more, each with the reason.
    #[track_caller]
    pub fn poisoned(&self) -> Vec<String> {
        self.snapshot().poisoned.into_iter().map(|(queue, reason)| format!("{queue}: {reason}")).collect()
    }

    /// The last 100,000 entries of its log.
    #[track_caller]
    pub fn logs(&self) -> Vec<LogEntry> {
        self.logs_where("")
    }

    /// The entries whose message is `message`, or matches it when it is written `/like this/`.
    #[track_caller]
    pub fn logs_with(&self, message: &str) -> Vec<LogEntry> {
        let encoded: String = message.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        self.logs_where(&format!("&pattern={encoded}"))
    }

    /// Waits for something that it comes to know; the failure tells all that it knows instead.
    #[track_caller]
    pub fn wait_until<S: Poll>(&self, what: &str, limit: Duration, mut look: impl FnMut(&MovSnapshot) -> S) -> S::Seen {
        let seen = wait::poll(limit, || look(&self.snapshot()));
        seen.unwrap_or_else(|| {
            panic!(
                "waited {limit:?} in vain for {what}. The MOV knows: {:#?}. It told:\n{}",
                self.snapshot(),
                self.process.output()
            )
        })
    }

    /// Waits until exactly one registration of the component lives, and returns it.
    #[track_caller]
    pub fn wait_registered(&self, name: &str, limit: Duration) -> Registration {
        self.wait_until(&format!("one live registration of {name}"), limit, |snapshot| {
            let mut live = snapshot.live.iter().filter(|registration| registration.name == name);
            live.next().filter(|_| live.next().is_none()).cloned()
        })
    }

    /// Asks its REST interface: the status and the body.
    #[track_caller]
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.agent.get(format!("{}{path}", self.url)).call().unwrap_or_else(|error| {
            panic!("the MOV does not answer GET {path}: {error}. It told:\n{}", self.process.output())
        });
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_string();
        (response.status().as_u16(), body.expect("the body of an answer"))
    }

    /// Asks it the same way for something else than to tell: the status, the content type and the body.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("Content-Type", "application/json").body(body.to_owned()).expect("a request");
        let mut response = self.agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let kind =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = response.body_mut().read_to_string().expect("the body of an answer");
        (response.status().as_u16(), kind, body)
    }

    #[track_caller]
    fn logs_where(&self, condition: &str) -> Vec<LogEntry> {
        let text = self.get(&format!("/v1/logs?limit={ALL}{condition}")).1;
        let page: super::snapshot::LogPage = serde_json::from_str(&text).expect("a page of logs");
        page.logs
    }
}

#[track_caller]
fn wait_for_url(process: &Process) -> String {
    let line = process.wait_output("listening on ", START_LIMIT);
    line.trim_start_matches("listening on ").to_owned()
}

/// The simulator's program, built with the tests. `cargo test -p` does not build it, so it may be missing or out of date.
fn binary() -> PathBuf {
    let path = built("mov_simulator");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mov_simulator/src");
    match (modified(&path), newest_below(&sources)) {
        (Some(built), Some(written)) if built < written => {
            panic!("the MOV simulator is older than its source: run `cargo build --workspace`")
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
