//! Everybody who works for a component, in one session after another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::component::Plan;
use crate::mov::identity::Identity;
use crate::mov::log::{self, Writer};
use crate::mov::registration::Registration;
use crate::mov::rest::Rest;
use crate::name::{ChannelName, Kind};
use crate::router::Router;
use crate::settings::Settings;
use crate::speaker::Speaker;
use crate::worker::Worker;

pub(super) struct Crew {
    /// With the names of their threads. Control channels have a worker of their own, so that slow work on data does not
    /// delay them.
    pub(super) workers: Vec<(String, Worker)>,
    pub(super) speakers: Vec<Speaker>,
    pub(super) registration: Arc<Mutex<Registration>>,
    pub(super) writer: Writer,
    /// How long leaving may take.
    pub(super) grace: Duration,
}

impl Crew {
    pub(super) fn new(plan: &Plan, settings: &Settings, identity: Identity) -> Self {
        let (log, writer) = log::open(settings.mov_level, identity.clone());
        let worker = |kind| Worker::new(Router::new(plan, kind, log.clone()), log.clone(), settings.prefetch);
        let mut workers = Vec::new();
        if plan.hears(Kind::Data) {
            let data = worker(Kind::Data);
            workers.extend((0..settings.workers).map(|number| (format!("worker-{number}"), data.clone())));
        }
        if plan.hears(Kind::Control) {
            workers.push(("control".to_owned(), worker(Kind::Control)));
        }
        let says: Arc<[ChannelName]> = plan.says.clone().into();
        let speaker = |source| Speaker::new(source, Arc::clone(&says), log.clone());
        let registration = Registration::new(
            plan.profile.clone(),
            plan.registered.queue(),
            settings.register_timeout,
            settings.health.clone(),
            identity,
            settings.mov_url.as_deref().map(Rest::new),
        );
        Self {
            workers,
            speakers: plan.sources.iter().cloned().map(speaker).collect(),
            registration: Arc::new(Mutex::new(registration)),
            writer,
            grace: settings.grace,
        }
    }
}
