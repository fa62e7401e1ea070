//! A simulator of the Master Of VALAWAI (MOV) 2.0.1 for tests, demos and component authors.
//!
//! It registers and unregisters components, connects their channels, forwards their messages and notifies C2 components, as
//! strictly and with the same defects as the real MOV:
//!
//! - A message that is not a JSON object poisons its queue: the MOV stops consuming it, or discards all that follows.
//! - Messages are forwarded at most once, in no particular order, and once for each pair of live registrations.
//! - After an outage of the broker, forwarding resumes by itself, but ends when a component registers again.
//! - After a long outage the MOV still accepts registrations, but publishes nothing any more.
//! - The state is lost when the process ends, as with the real MOV's default settings.
//!
//! # Settings
//!
//! The environment variables of the real MOV:
//!
//! | Variable | Default | |
//! |---|---|---|
//! | `RABBITMQ_HOST`, `RABBITMQ_PORT` | `mov-mq`, 5672 | The broker |
//! | `RABBITMQ_USERNAME`, `RABBITMQ_PASSWORD`, `RABBITMQ_VHOST` | `mov`, `password`, `/` | The login |
//! | `HTTP_ADDRESS`, `HTTP_PORT` | 127.0.0.1, 8080 | The REST interface; port 0 selects a free port, printed on the console |
//!
//! Those of the simulator only:
//!
//! | Variable | Default | |
//! |---|---|---|
//! | `START_UP_MS` | 200 | How long the MOV consumes before it finishes early registrations and opens its HTTP port |
//! | `RECONNECT_MS` | 300 | The pause between two attempts to consume the MOV's own queues again; 10 s in the real MOV |
//! | `GIVE_UP_AFTER_MS` | 108000 | The longest outage that the shared client survives; with 1, a restart of the broker is enough |
//! | `SHUFFLE_SEED` | 1 | Determines how forwarded messages are reordered; 0 keeps their order |
//! | `ANSWER_QUERIES` | true | Whether pages are sent |
//!
//! # REST interface
//!
//! The `/v1` and `/q/health` routes of the real MOV, and `GET /simulator`: the whole state, with counters, the rejected
//! messages with their exact reasons, and the queues that are poisoned, discarded or without a consumer.
//!
//! # Differences from the real MOV
//!
//! Where the real MOV depends on timing, the simulator is deterministic:
//!
//! - A repeated registration after a reconnect always ends forwarding. In the real MOV it does so in four of five runs; in the
//!   fifth, messages are multiplied.
//! - Of the registrations during the start, the first, the third and so on are finished.
//! - Messages that wait at the same time are reordered by a pseudo-random sequence.
//!
//! It has no JavaScript converters, no stored topologies, no `MOV_INIT_*` settings, no `/v2` routes, few filters in lists, and
//! no outgoing channels in the data of its health checks. These texts are unknown and therefore invented: the start of the first
//! of the two log messages for a forwarded message, the words between `Cannot notify to the component` and `that it has been
//! registered`, and the two ends of a connection in `GET /v1/topology/connections/{id}`.
//!
//! # Modules
//!
//! `main` starts two threads, one in each of `amqp::mov_queues` and `amqp::shared_client`; the first opens `rest` when the MOV
//! has started. All of them work on the `state`. `events` says what the MOV does with a message, `contract` what it accepts, and
//! `json` how it reads and writes.

mod amqp;
mod clock;
mod console;
mod contract;
mod events;
mod json;
mod object_id;
mod rest;
mod settings;
mod state;
mod threads;

use std::process::{ExitCode, exit};
use std::sync::Arc;

use crossbeam_channel::unbounded;
use parking_lot::Mutex;

use self::amqp::{mov_queues, shared_client};
use self::settings::Settings;
use self::state::MovState;

/// The exit code of an invalid setting (`EX_CONFIG`).
const EXIT_INVALID_SETTING: u8 = 78;

fn main() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("mov_simulator: {problem}");
            return ExitCode::from(EXIT_INVALID_SETTING);
        }
    };
    ctrlc::set_handler(|| exit(0)).expect("no other signal handler is installed");
    // Neither thread ends before the process.
    let _ = start(settings).join();
    ExitCode::from(threads::EXIT_INTERNAL_ERROR)
}

fn start(settings: Settings) -> std::thread::JoinHandle<()> {
    let ((actions, pending_actions), (pages, pending_pages)) = (unbounded(), unbounded());
    let state = Arc::new(Mutex::new(MovState::new(actions, pages)));
    let (client_settings, client_state) = (settings.clone(), Arc::clone(&state));
    threads::spawn(move || shared_client::run(&client_settings, &client_state, &pending_actions));
    threads::spawn(move || {
        mov_queues::run(&settings, &state, &pending_pages, || rest::open(&settings, &state));
    })
}
