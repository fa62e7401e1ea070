//! Components that run in the process of the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use valawai::Component;
use valawai::internals::broker::memory::MemoryBroker;
use valawai::internals::broker::{Error, Session, amqp};
use valawai::internals::configuration::Configuration;
use valawai::internals::operations::configure::Configure as _;
use valawai::internals::process::App;
use valawai::internals::settings::{Document, Layers, Settings};
use valawai::internals::shutdown::{self, ShutdownHandle};

use testkit::wait::SOON;
use testkit::{Vhost, log_capture, wait_until};

/// A component that runs as `main` runs it. Dropping it stops it, and fails the test if that fails.
pub(crate) struct RunningApp {
    sessions: Arc<AtomicUsize>,
    configuration: Configuration,
    shutdown: Option<ShutdownHandle>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _folder: tempfile::TempDir,
}

impl RunningApp {
    /// Starts `component` on the broker inside the process.
    pub(crate) fn in_memory(component: &Component, broker: MemoryBroker) -> Self {
        Self::start(component, &[], move |_, _| Ok(Box::new(broker.connect()?) as Box<dyn Session>))
    }

    /// Starts `component` on RabbitMQ, with these settings.
    pub(crate) fn on_rabbitmq(component: &Component, vhost: &Vhost, settings: &[(&str, &str)]) -> Self {
        let port = vhost.port.to_string();
        let broker = [
            ("RABBITMQ_HOST", &*vhost.host),
            ("RABBITMQ_PORT", &port),
            ("RABBITMQ_USERNAME", &vhost.username),
            ("RABBITMQ_PASSWORD", &vhost.password),
            ("RABBITMQ_VHOST", &vhost.name),
        ];
        let connect =
            |settings: &Settings, number| Ok(Box::new(amqp::connect(&settings.broker, number)?) as Box<dyn Session>);
        Self::start(component, &[settings, &broker].concat(), connect)
    }

    fn start<F>(component: &Component, settings: &[(&str, &str)], connect: F) -> Self
    where
        F: Fn(&Settings, u64) -> Result<Box<dyn Session>, Error> + Send + Sync + 'static,
    {
        log_capture::start();
        let folder = tempfile::tempdir().expect("make a temporary folder");
        let log_dir = [("LOG_DIR", folder.path().to_str().expect("a path that is UTF-8"))];
        let all = [settings, &log_dir].concat().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let component = component.check().expect("a component that matches its contract");
        let layers = Layers::read(Arc::new(all.collect::<Vec<_>>()), Document::default());
        let configuration = layers.and_then(|layers| Configuration::new(&component, layers)).expect("valid settings");
        configuration.start();
        let settings = configuration.settings();
        let sessions = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sessions);
        let connect = Arc::new(move |_: &_, number| {
            counter.fetch_add(1, Ordering::SeqCst);
            connect(&settings, number)
        });
        let app = App::new(&component, &configuration, connect);
        let (handle, shutdown) = shutdown::channel();
        let thread = std::thread::spawn(move || app.run(&shutdown));
        Self { sessions, configuration, shutdown: Some(handle), thread: Some(thread), _folder: folder }
    }

    /// The number of sessions that it has opened.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    /// Changes settings, as an operator does.
    pub(crate) fn change_settings(&self, settings: &[(&str, &str)]) {
        let changes = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        self.configuration.order(&changes).expect("valid changes");
    }

    /// Requests a shutdown, and does not wait for it.
    pub(crate) fn request_shutdown(&mut self) {
        drop(self.shutdown.take());
    }

    /// Waits until it has stopped, and returns how long that took.
    pub(crate) fn wait_for_exit(&mut self) -> Duration {
        let start = Instant::now();
        wait_until("the component to stop", SOON, || self.thread.as_ref().is_none_or(JoinHandle::is_finished));
        start.elapsed()
    }
}

impl Drop for RunningApp {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        let result = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(result, Some(Ok(Ok(())))), "the component did not stop in order: {result:?}");
        }
    }
}
