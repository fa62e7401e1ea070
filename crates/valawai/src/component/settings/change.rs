//! Tells the author's code of changed settings, on a thread of its own.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;
use parking_lot::Mutex;

use crate::failure::Failure;

/// Settings that have changed.
pub(super) struct Change<S> {
    pub(super) fields: Vec<&'static str>,
    pub(super) old: Arc<S>,
    pub(super) new: Arc<S>,
}

/// Whether a setting has changed. Not set and empty are the same.
pub(super) fn has_changed(old: Option<&String>, new: Option<&String>) -> bool {
    old.map_or("", String::as_str) != new.map_or("", String::as_str)
}

/// Who wants to know of changes. They are called one after another, in the order of the changes.
pub(super) struct Listeners<S> {
    listeners: Mutex<Vec<Arc<Listener<S>>>>,
    /// The thread that calls them, once there was a change.
    calls: Mutex<Option<Sender<Call<S>>>>,
}

struct Listener<S> {
    fields: Vec<String>,
    listener: Box<Callback<S>>,
}

/// Called with the old and the new settings.
type Callback<S> = dyn Fn(&S, &S) + Send + Sync;

type Call<S> = (Arc<Listener<S>>, Arc<S>, Arc<S>);

impl<S> Default for Listeners<S> {
    fn default() -> Self {
        Self { listeners: Mutex::default(), calls: Mutex::default() }
    }
}

impl<S: Send + Sync + 'static> Listeners<S> {
    pub(super) fn add(&self, fields: &[&str], listener: impl Fn(&S, &S) + Send + Sync + 'static) {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.listeners.lock().push(Arc::new(Listener { fields, listener: Box::new(listener) }));
    }

    /// Calls those that want to know of one of the changed fields.
    pub(super) fn tell(&self, change: &Change<S>) {
        let Change { fields, old, new } = change;
        let concerns = |listener: &&Arc<Listener<S>>| listener.fields.iter().any(|field| fields.contains(&&**field));
        let concerned: Vec<_> = self.listeners.lock().iter().filter(concerns).cloned().collect();
        for listener in concerned {
            self.call((listener, Arc::clone(old), Arc::clone(new)));
        }
    }

    fn call(&self, call: Call<S>) {
        let mut calls = self.calls.lock();
        if calls.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<Call<S>>();
            let run = move || receiver.iter().for_each(|(listener, old, new)| run(&listener, &old, &new));
            match thread::Builder::new().name("on-change".into()).spawn(run) {
                Ok(_) => *calls = Some(sender),
                Err(error) => return log::error!("cannot start a thread to tell of changed settings: {error}"),
            }
        }
        if let Some(sender) = &*calls {
            // The thread ends with the process.
            let _ = sender.send(call);
        }
    }
}

fn run<S>(listener: &Listener<S>, old: &S, new: &S) {
    // What it leaves inconsistent is the author's.
    let called = panic::catch_unwind(AssertUnwindSafe(|| (listener.listener)(old, new)));
    if let Err(panic) = called {
        let failure = Failure::of_panic("what is called on a change", panic.as_ref());
        log::error!("the change of {} was not taken up, because {}", listener.fields.join(", "), failure.reason());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_missing_is_as_one_that_is_empty() {
        let text = |text: &str| Some(text.to_owned());
        for (old, new, expected) in [
            (None, None, false),
            (None, text(""), false),
            (text(""), None, false),
            (text("a"), text("a"), false),
            (None, text("a"), true),
            (text("a"), text(""), true),
            (text("a"), text("b"), true),
        ] {
            assert_eq!(has_changed(old.as_ref(), new.as_ref()), expected, "{old:?} to {new:?}");
        }
    }
}
