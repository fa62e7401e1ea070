//! The shared client: over one connection it consumes the source queues and publishes everything but pages. It reconnects
//! independently of the consumers of the MOV's own queues, and gives up after a long outage.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::thread;
use std::time::{Duration, Instant};

use amiquip::{Channel, Connection, Consumer, ConsumerMessage, ConsumerOptions, Return};
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::ConnectionError;
use super::connection::{connect, declare, publish};
use super::consumer::cancel;
use crate::console::{self, ChangedLines};
use crate::events::Reordering;
use crate::events::forwarding::forward;
use crate::json::Json;
use crate::settings::Settings;
use crate::state::{BrokerAction, SharedState};

const POLL_INTERVAL: Duration = Duration::from_millis(200);
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Carries out the actions until it gives up; after that it discards them forever.
pub(crate) fn run(settings: &Settings, state: &SharedState, actions: &Receiver<BrokerAction>) {
    let mut log = ChangedLines::default();
    // The first connection may take any time.
    let mut outage_began: Option<Instant> = None;
    while outage_began.is_none_or(|time| time.elapsed() < settings.give_up_after) {
        let Err(error) = run_session(settings, state, actions);
        outage_began = state.lock().shared_client.disconnected();
        log.print(format!("No broker for the shared client: {error}"));
        thread::sleep(RECONNECT_PAUSE);
    }
    console::print("GIVEN UP: the shared client publishes and forwards nothing until the MOV is restarted");
    state.lock().shared_client.give_up();
    actions.iter().for_each(drop);
}

/// Runs until the connection is lost.
fn run_session(
    settings: &Settings,
    state: &SharedState,
    actions: &Receiver<BrokerAction>,
) -> Result<Infallible, ConnectionError> {
    let connection = RefCell::new(connect(settings)?);
    let publishing = connection.borrow_mut().open_channel(None)?;
    let forwarding = connection.borrow_mut().open_channel(None)?;
    let mut session = Session {
        state,
        actions,
        returns: publishing.listen_for_returns()?,
        connection: &connection,
        publishing: &publishing,
        forwarding: &forwarding,
        consumers: BTreeMap::new(),
        reordering: Reordering::new(settings.shuffle_seed),
    };
    let recovered = state.lock().shared_client.connected();
    for queue in recovered {
        session.consume(&queue)?;
    }
    loop {
        session.serve()?;
    }
}

struct Session<'c> {
    state: &'c SharedState,
    actions: &'c Receiver<BrokerAction>,
    /// Never receives anything, because nothing is published with `mandatory`. Its end signals the end of the connection.
    returns: Receiver<Return>,
    connection: &'c RefCell<Connection>,
    publishing: &'c Channel,
    forwarding: &'c Channel,
    /// The consumers of the source queues.
    consumers: BTreeMap<String, Consumer<'c>>,
    reordering: Reordering,
}

enum Ready {
    Actions,
    ConnectionEnded,
    /// The consumer at this index.
    Consumer(usize),
}

impl Session<'_> {
    fn serve(&mut self) -> Result<(), ConnectionError> {
        match self.wait() {
            None | Some(Ready::Actions) => (),
            Some(Ready::ConnectionEnded) => return Err(ConnectionError::Lost),
            Some(Ready::Consumer(index)) => self.forward_batch(index)?,
        }
        while let Ok(action) = self.actions.try_recv() {
            self.carry_out(action)?;
        }
        Ok(())
    }

    fn wait(&self) -> Option<Ready> {
        let mut select = Select::new();
        let actions = select.recv(self.actions);
        let returns = select.recv(&self.returns);
        for consumer in self.consumers.values() {
            select.recv(consumer.receiver());
        }
        let index = select.ready_timeout(POLL_INTERVAL).ok()?;
        Some(if index == actions {
            Ready::Actions
        } else if index == returns {
            Ready::ConnectionEnded
        } else {
            Ready::Consumer(index - returns - 1)
        })
    }

    fn forward_batch(&mut self, index: usize) -> Result<(), ConnectionError> {
        let Some((queue, consumer)) = self.consumers.iter().nth(index) else { return Ok(()) };
        let mut bodies = Vec::new();
        let end = loop {
            match consumer.receiver().try_recv() {
                Ok(ConsumerMessage::Delivery(delivery)) => bodies.push(delivery.body),
                end => break end,
            }
            if bodies.len() == Reordering::WINDOW {
                break Err(TryRecvError::Empty);
            }
        };
        forward(&mut self.state.lock(), queue, &bodies, &mut self.reordering);
        match end {
            // The queue was deleted. As in the real MOV, its state stays "open", so that it is never consumed again.
            Ok(ConsumerMessage::ServerCancelled) => {
                let queue = queue.clone();
                self.consumers.remove(&queue);
                Ok(())
            }
            Ok(other) => Err(ConnectionError::ConsumerEnded(format!("{other:?}"))),
            Err(TryRecvError::Empty) => Ok(()),
            Err(TryRecvError::Disconnected) => Err(ConnectionError::Lost),
        }
    }

    fn carry_out(&mut self, action: BrokerAction) -> Result<(), ConnectionError> {
        match action {
            BrokerAction::Publish { queue, body } => Ok(publish(self.publishing, &queue, &body)?),
            BrokerAction::Consume(queue) => self.consume(&queue),
            BrokerAction::Cancel(queue) => self.consumers.remove(&queue).map_or(Ok(()), |consumer| cancel(&consumer)),
            BrokerAction::CancelAll => std::mem::take(&mut self.consumers).values().try_for_each(cancel),
        }
    }

    fn consume(&mut self, queue: &str) -> Result<(), ConnectionError> {
        if self.consumers.contains_key(queue) {
            return Ok(());
        }
        // On a channel of its own: the broker closes it if the queue exists with other properties.
        let declaring = self.connection.borrow_mut().open_channel(None)?;
        if let Err(error) = declare(&declaring, queue) {
            let message = format!("Cannot listen for the messages from the queue {queue}");
            let payload = Json::string(error.to_string());
            self.state.lock().logs.add_own_and_print("ERROR", message, Some(&payload));
            return Ok(());
        }
        let options = ConsumerOptions { no_ack: true, ..ConsumerOptions::default() };
        let consumer = self.forwarding.basic_consume(queue, options)?;
        self.consumers.insert(queue.to_owned(), consumer);
        Ok(())
    }
}
