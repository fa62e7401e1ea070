//! A Master Of VALAWAI for tests: it registers components, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::asyncapi::{Contract, Direction, REGISTERED};
use crate::broker::memory::MemoryBroker;
use crate::broker::{Access, ConsumeOn, Delivery, Error, Event, Link, Session};
use crate::clock;
use crate::message::Outgoing;
use crate::mov::payloads;
use crate::shutdown::{self, Shutdown, ShutdownHandle};

/// How often the MOV looks around while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// The queues that it consumes, in the order of their indices.
const QUEUES: [&str; 3] = [payloads::REGISTER, payloads::UNREGISTER, payloads::QUERY];

pub(super) struct TestMov {
    components: Arc<Mutex<Vec<Value>>>,
    session: Mutex<Option<RunningMov>>,
}

struct RunningMov {
    session: Box<dyn Session>,
    handle: ShutdownHandle,
}

impl TestMov {
    pub(super) fn start(broker: &MemoryBroker) -> Self {
        let mov = Self { components: Arc::default(), session: Mutex::default() };
        mov.reconnect(broker);
        mov
    }

    /// Opens another session, because the last one is over.
    pub(super) fn reconnect(&self, broker: &MemoryBroker) {
        let mut session: Box<dyn Session> = Box::new(broker.connect().expect("a broker that is always there"));
        let (handle, shutdown) = shutdown::channel();
        let components = Arc::clone(&self.components);
        let job = move |link: Result<&mut dyn Link, Error>| {
            // It ends with an error when the session is over.
            let _ = link.and_then(|link| MovLoop { link, components }.run(&shutdown));
        };
        session.spawn("mov", ConsumeOn::Shared, Box::new(job)).expect("a thread");
        *self.session.lock() = Some(RunningMov { session, handle });
    }

    /// The notices of the live registrations.
    pub(super) fn registered(&self) -> Vec<Value> {
        self.components.lock().clone()
    }
}

impl Drop for TestMov {
    fn drop(&mut self) {
        if let Some(RunningMov { session, handle }) = self.session.lock().take() {
            drop(handle);
            session.close(Instant::now() + TICK);
        }
    }
}

struct MovLoop<'l> {
    link: &'l mut dyn Link,
    components: Arc<Mutex<Vec<Value>>>,
}

impl MovLoop<'_> {
    fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        for queue in QUEUES {
            self.link.declare(queue)?;
            self.link.consume(queue, Access::Shared, 16)?;
        }
        while !shutdown.is_requested() {
            match self.link.poll(true)? {
                Some(Event::Delivery(delivery)) => self.handle(&delivery)?,
                Some(_) => {}
                None => self.link.wait(true, Some(shutdown), TICK),
            }
        }
        Ok(())
    }

    fn handle(&mut self, delivery: &Delivery) -> Result<(), Error> {
        let payload: Value = serde_json::from_slice(&delivery.message.body).unwrap_or_default();
        match QUEUES[delivery.consumer] {
            payloads::REGISTER => self.register(&payload, delivery.message.redelivered())?,
            payloads::UNREGISTER => {
                self.components.lock().retain(|component| component["id"] != payload["component_id"]);
            }
            _ => self.answer(&payload)?,
        }
        self.link.acknowledge(delivery.tag)
    }

    /// A redelivered registration may have been carried out before the session ended, and not acknowledged.
    fn register(&mut self, payload: &Value, redelivered: bool) -> Result<(), Error> {
        let Ok(contract) = Contract::parse(payload["asyncapi_yaml"].as_str().unwrap_or_default()) else {
            return Ok(());
        };
        let mut components = self.components.lock();
        let known = components.iter().find(|component| redelivered && component["name"] == payload["name"]).cloned();
        let notice = known.unwrap_or_else(|| {
            let new = notice(payload, &contract);
            components.push(new.clone());
            new
        });
        drop(components);
        match contract.channel(REGISTERED) {
            Some(channel) => self.publish(channel.name.queue(), &notice),
            None => Ok(()),
        }
    }

    fn answer(&mut self, query: &Value) -> Result<(), Error> {
        let mut live = self.components.lock().clone();
        live.retain(|component| component["name"] == query["pattern"]);
        let page = json!({ "total": live.len(), "components": live, "query_id": query["id"] });
        self.publish(payloads::PAGE, &page)
    }

    fn publish(&mut self, queue: &str, body: &Value) -> Result<(), Error> {
        self.link.publish(&Outgoing::new(queue, body.to_string().into_bytes())).map(drop)
    }
}

/// What the MOV says of a registered component, without the schemas of its channels.
fn notice(payload: &Value, contract: &Contract) -> Value {
    let since = clock::seconds();
    let channels: Vec<Value> = contract
        .channels()
        .iter()
        .map(|channel| {
            let direction = match channel.direction {
                Direction::Consume => "subscribe",
                Direction::Publish => "publish",
            };
            json!({ "name": &**channel.name.queue(), direction: { "type": "OBJECT" } })
        })
        .collect();
    json!({
        "id": format!("{since:08x}{:016x}", fastrand::u64(..)), "name": payload["name"], "version": payload["version"],
        "type": payload["type"], "since": since, "channels": channels,
    })
}
