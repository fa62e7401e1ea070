//! A stand-in for the Master Of VALAWAI (MOV) 2.0.1, as unforgiving as the real one: it registers and forgets components,
//! connects them, forwards their messages at most once and in no certain order, tells C2 components of them, and stops for good
//! what a bad message has poisoned. After an outage of the broker its forwarding comes back by itself, and ends without a word
//! when a component registers anew; after a long one it has given up, and does not say so to those who register.
//!
//! It keeps everything in memory: a restart forgets everybody, like the real one with its default settings.
//!
//! Where the real one depends on luck, this one does not:
//!
//! - a component that registers anew after a reconnect always ends the forwarding (with the real one in four of five runs, and
//!   in the fifth its messages are multiplied);
//! - of those who register during the start the first, the third and so on are forgotten;
//! - messages that wait together overtake each other in an order that follows from a seed.
//!
//! It differs from the real one in this: there are no converters in JavaScript, no drawn topologies, none of the settings
//! `MOV_INIT_*`, no `/v2` of the REST interface, and few filters in its lists. Its own words, for want of a source, are the
//! beginning of the first of the two logs of a forwarded message, what stands between `Cannot notify to the component` and
//! `that it has been registered`, and the two ends of a connection in `GET /v1/topology/connections/{id}`. The outgoing channels
//! are missing from the data of its health checks.
//!
//! What it adds is `GET /simulator`, which tells a test what the real one would tell nobody.
//!
//! Beside `RABBITMQ_HOST` and its kin, `HTTP_ADDRESS` and `HTTP_PORT`, these variables change it: `START_UP_MS` (200),
//! `RECONNECT_MS` (300; the real one takes 10 s), `GIVE_UP_AFTER_MS` (108000; 1 and a restart of the broker show at once a MOV
//! that has given up), `SHUFFLE_SEED` (1; 0 keeps all in order) and `ANSWER_QUERIES` (true).

mod asyncapi;
mod component;
mod connection;
mod envelope;
mod events;
mod forward;
mod health;
mod id;
mod journal;
mod json;
mod json_pretty;
mod json_reader;
mod link;
mod logs;
mod matching;
mod parameters;
mod pattern;
mod payload;
mod report;
mod rest;
mod schema;
mod session;
mod settings;
mod shared;
mod shuffle;
mod stream;
mod world;
mod yaml_limits;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::unbounded;
use settings::Settings;
use world::World;

/// Deep documents are read by recursion.
const STACK: usize = 256 * 1024 * 1024;

fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("mov_simulator: {problem}");
            return ExitCode::from(78);
        }
    };
    ctrlc::set_handler(|| exit(0)).expect("no other handler for signals");
    let _ = spawn(move || simulate(&settings)).join();
    ExitCode::from(70)
}

/// Starts one of the two threads. They never end by themselves; when one fails, the other must not go on alone.
fn spawn(work: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    let working = move || {
        let _ = catch_unwind(AssertUnwindSafe(work));
        exit(70);
    };
    thread::Builder::new().stack_size(STACK).spawn(working).expect("a thread")
}

/// Consumes for ever; a lost broker is looked for until it is back, and nothing is forgotten meanwhile.
fn simulate(settings: &Settings) {
    let ((effects, to_do), (pages, to_send)) = (unbounded(), unbounded());
    let world = Arc::new(Mutex::new(World::new(effects, pages)));
    let (its_settings, its_world) = (settings.clone(), Arc::clone(&world));
    spawn(move || shared::serve(&its_settings, &its_world, &to_do));
    let mut start_up = Some(settings.start_up);
    let mut told = String::new();
    loop {
        let open_http = || rest::open(settings, &world);
        let end = session::run(settings, &world, &to_send, &mut start_up, open_http).err().unwrap_or_default();
        world::lock(&world).is_consuming = false;
        if end != told {
            journal::tell(&format!("No broker: {end}"));
            told = end;
        }
        thread::sleep(settings.reconnect_pause);
    }
}
