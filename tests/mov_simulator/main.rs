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
mod stream;
mod world;

use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use settings::Settings;
use world::World;

/// Deep documents are read by recursion.
const STACK: usize = 256 * 1024 * 1024;
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("mov_simulator: {problem}");
            return ExitCode::from(78);
        }
    };
    ctrlc::set_handler(|| exit(0)).expect("no other handler for signals");
    let working = thread::Builder::new().stack_size(STACK).spawn(move || simulate(&settings));
    let _ = working.expect("a thread").join();
    // It never ends by itself.
    ExitCode::from(70)
}

/// Consumes for ever; a lost broker is looked for until it is back, and nothing is forgotten meanwhile.
fn simulate(settings: &Settings) {
    let world = Arc::new(Mutex::new(World::default()));
    let mut start_up = Some(settings.start_up);
    let mut told = String::new();
    loop {
        let open_http = || rest::open(settings, &world);
        let end = session::run(settings, &world, &mut start_up, open_http).err().unwrap_or_default();
        world::lock(&world).connected = false;
        if end != told {
            journal::tell(&format!("No broker: {end}"));
            told = end;
        }
        thread::sleep(RECONNECT_PAUSE);
    }
}
