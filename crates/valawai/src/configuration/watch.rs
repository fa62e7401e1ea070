//! Follows the key-value store and the configuration file, on threads of their own.

use std::io;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select};

use super::Configuration;
use crate::broker::backoff::Backoff;
use crate::shutdown::Shutdown;
use crate::store::{Options, Store};

/// The pauses between the attempts to read the store for the first time, if it is read only once.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Starts to follow the store and the file of `configuration`, as far as the settings say so, and waits for the first values of
/// the store. Without a store and without `RELOAD_ENABLED`, there is nothing to follow. Returns false if the shutdown is
/// requested before.
///
/// # Errors
/// If the system cannot start a thread.
pub fn start(configuration: &Configuration, shutdown: &Shutdown) -> io::Result<bool> {
    let settings = configuration.settings();
    if settings.reload && configuration.has_file() {
        let (configuration, period) = (configuration.clone(), settings.reload_period);
        thread::Builder::new().name("settings-file".into()).spawn(move || follow_file(&configuration, period))?;
    }
    let Some(options) = configuration.store_options() else { return Ok(true) };
    let name = options.name();
    let (sender, first) = crossbeam_channel::bounded(1);
    let (follower, reload) = (configuration.clone(), settings.reload);
    let follow =
        move || if reload { follow_store(&follower, options, &sender) } else { read_once(&follower, options, &sender) };
    thread::Builder::new().name("settings".into()).spawn(follow)?;
    Ok(wait(configuration, name, &first, shutdown))
}

fn wait(configuration: &Configuration, name: &str, first: &Receiver<()>, shutdown: &Shutdown) -> bool {
    let timeout = configuration.store_timeout();
    select! {
        recv(first) -> _ => return true,
        recv(shutdown.requested()) -> _ => return false,
        default(timeout) => {}
    }
    if !configuration.settings().require_config {
        log::warn!("{name} gave no settings within {timeout:?}; starting without them");
        return true;
    }
    log::warn!("{name} gave no settings within {timeout:?}; waiting for them, because REQUIRE_CONFIG is set");
    select! {
        recv(first) -> _ => true,
        recv(shutdown.requested()) -> _ => false,
    }
}

fn follow_store(configuration: &Configuration, options: Options, first: &Sender<()>) {
    let name = options.name();
    Store::new(options).watch(&mut |values| {
        configuration.set_store(name, &values);
        // Nobody waits for the later ones.
        let _ = first.try_send(());
        ControlFlow::Continue(())
    });
}

/// Reads the store until that succeeds.
fn read_once(configuration: &Configuration, options: Options, first: &Sender<()>) {
    let name = options.name();
    let mut store = Store::new(options);
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut is_reported = false;
    loop {
        match store.load() {
            Ok(values) => {
                configuration.set_store(name, &values);
                let _ = first.send(());
                return;
            }
            Err(error) if !std::mem::replace(&mut is_reported, true) => log::warn!("{error}; trying again"),
            Err(_) => {}
        }
        thread::sleep(backoff.pause());
    }
}

fn follow_file(configuration: &Configuration, period: Duration) {
    loop {
        thread::sleep(period);
        configuration.read_files();
    }
}
