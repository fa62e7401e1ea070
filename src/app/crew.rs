//! Everybody who works for a component, in one session after another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::broker::BYTES_IN_HAND;
use crate::chaos::Chaos;
use crate::component::Plan;
use crate::mov::identity::Identity;
use crate::mov::log::{self, Writer};
use crate::mov::registration::{self, Registration};
use crate::mov::rest::Rest;
use crate::name::{ChannelName, Kind};
use crate::router::{self, Router};
use crate::settings::Settings;
use crate::speaker::Speaker;
use crate::vitals::Vitals;
use crate::worker::{self, Worker};

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
        let vitals = Arc::new(Vitals::default());
        let worker = |kind| {
            let options = router::Options {
                retry: settings.retry.clone(),
                dead_letters: settings.dead_letters,
                chaos: Chaos::new(settings.chaos.clone()),
            };
            let router = Router::new(plan, kind, log.clone(), options);
            let options = worker::Options {
                prefetch: settings.prefetch,
                bytes_in_hand: BYTES_IN_HAND / settings.workers.max(1),
                kill_switch: settings.kill_switch,
                ..worker::Options::default()
            };
            Worker::new(router, log.clone(), options, Arc::clone(&vitals))
        };
        let mut workers = Vec::new();
        if plan.hears(Kind::Data) {
            let data = worker(Kind::Data);
            workers.extend((0..settings.workers).map(|number| (format!("worker-{number}"), data.clone())));
        }
        if plan.hears(Kind::Control) {
            workers.push(("control".to_owned(), worker(Kind::Control)));
        }
        let says: Arc<[ChannelName]> = plan.says.clone().into();
        let speaker = |source| Speaker::new(source, Arc::clone(&says), log.clone(), Arc::clone(&vitals));
        let speakers = plan.sources.iter().cloned().map(speaker).collect();
        let registration = Registration::new(registration::Options {
            profile: plan.profile.clone(),
            queue: plan.registered.queue().to_string(),
            shared_queue: plan.routes.first().map(|route| route.channel.queue().to_string()),
            vitals,
            timeout: settings.register_timeout,
            health: settings.health.clone(),
            identity,
            rest: settings.mov_url.as_deref().map(Rest::new),
        });
        Self { workers, speakers, registration: Arc::new(Mutex::new(registration)), writer, grace: settings.grace }
    }
}
