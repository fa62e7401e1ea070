//! Starts the tasks of a session.

use std::sync::Arc;

use crossbeam_channel::select;

use super::consumer_groups::ConsumerGroup;
use super::restart;
use super::session::RunningSession;
use super::supervisor::{Report, Role};
use crate::broker::{ConsumeOn, Error, Link, Publish};
use crate::clock;
use crate::health::heartbeat;
use crate::shutdown::Shutdown;
use crate::threads;

impl RunningSession<'_> {
    pub(super) fn start_log_writer(&mut self) -> Result<(), Error> {
        let (writer, shutdown) = (self.tasks.log_writer.clone(), self.log_writer.shutdown.clone());
        let task = move |publisher: &mut dyn Publish| writer.run(publisher, &shutdown);
        self.supervisor.start_unconfirmed("mov-log", Role::LogWriter, task)
    }

    pub(super) fn start_consumers(&mut self, groups: &[ConsumerGroup]) -> Result<(), Error> {
        for group in groups {
            let shutdown = self.consumers.start(group);
            for name in group.thread_names() {
                let (consumer, shutdown) = (group.consumer.clone(), shutdown.clone());
                let consume_on = consumer.consume_on();
                let task = move |link: &mut dyn Link, ready: &mut dyn FnMut()| consumer.run(link, &shutdown, ready);
                self.supervisor.start(&name, Role::Consumer, consume_on, task)?;
            }
        }
        Ok(())
    }

    /// Lets consumers whose settings have changed finish what is in flight, and starts those that can run now.
    pub(super) fn replace_consumers(&mut self) -> Result<(), Error> {
        let startable = self.consumers.replace(&self.tasks.consumers);
        self.start_consumers(&startable)
    }

    /// Starts the publishers of the sources, and the sources themselves unless they are running. These stop at `shutdown`, not
    /// with the session.
    pub(super) fn start_publishers(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        for (number, publisher) in self.tasks.publishers.clone().into_iter().enumerate() {
            publisher.start_source(shutdown)?;
            let (shutdown, name) = (self.publishers.shutdown.clone(), format!("publisher-{number}"));
            let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| publisher.run(link, &shutdown);
            self.supervisor.start(&name, Role::Publisher, ConsumeOn::Shared, task)?;
        }
        Ok(())
    }

    /// Waits until all consumers consume. Returns false if the shutdown is requested before.
    pub(super) fn wait_for_consumers(&mut self, shutdown: &Shutdown) -> Result<bool, Error> {
        let mut starting: usize = self.tasks.consumers.iter().map(|group| group.threads).sum();
        let heartbeat = clock::tick(heartbeat::PERIOD);
        while starting > 0 {
            let reports = self.supervisor.reports();
            threads::before_select(|| shutdown.is_requested() || !heartbeat.is_empty() || !reports.is_empty());
            select! {
                recv(heartbeat) -> _ => self.tasks.status().heartbeat.beat(),
                recv(shutdown.requested()) -> _ => return Ok(false),
                recv(self.supervisor.reports()) -> report => match report {
                    Ok(Report::Ready) => starting -= 1,
                    Ok(report) => {
                        if let Some(exit) = self.supervisor.note(report) {
                            return Err(restart::reason_of(exit.result));
                        }
                    }
                    Err(_) => return Err(restart::reason_of(Ok(()))),
                }
            }
        }
        Ok(true)
    }

    pub(super) fn start_registrar(&mut self) -> Result<(), Error> {
        let (registration, shutdown) = (Arc::clone(&self.tasks.registration), self.registrar.shutdown.clone());
        let forget = std::mem::take(&mut self.tasks.forget_registration);
        let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| {
            // The registrar of a session that is over may still hold the lock.
            let mut registration = threads::lock(&registration);
            if forget {
                registration.forget();
            }
            registration.run(link, &shutdown)
        };
        self.supervisor.start("registrar", Role::Registrar, ConsumeOn::Shared, task)
    }

    pub(super) fn start_service(&mut self) -> Result<(), Error> {
        let Some(service) = self.tasks.service.clone() else { return Ok(()) };
        let shutdown = self.service.shutdown.clone();
        let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| service.run(link, &shutdown);
        self.supervisor.start("service", Role::Service, ConsumeOn::Shared, task)
    }
}
