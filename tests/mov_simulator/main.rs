//! A stand-in for the Master Of VALAWAI (MOV) 2.0.1, as small as it can be and as unforgiving as the real one: it registers and
//! forgets components, connects them, forwards their messages at most once, and stops for good what a bad message has poisoned.
//!
//! It keeps everything in memory: a restart forgets everybody, like the real one with its default settings. What it adds is
//! `GET /simulator`, which tells a test what the real one would tell nobody.

mod asyncapi;
mod component;
mod connection;
mod events;
mod forward;
mod health;
mod id;
mod journal;
mod json;
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
mod stream;
mod world;

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
