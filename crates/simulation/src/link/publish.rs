//! What the component publishes.

use std::sync::Arc;

use valawai::internals::broker::{Error, Publish};
use valawai::internals::message::Outgoing;
use valawai::internals::mov::payloads::UNREGISTER;

use super::SimulatedLink;
use super::client::Published;
use crate::broker::{Frame, LinkId};
use crate::ledger;
use crate::world::World;

impl World {
    pub(super) fn flush(&mut self, link: LinkId) {
        let connection = self.links[link].publishing;
        for frame in std::mem::take(&mut self.links[link].unsent) {
            self.send_to_broker(connection, link, frame);
        }
    }
}

impl SimulatedLink {
    pub(super) fn send(&self, message: Outgoing, input: Option<usize>, must_arrive: bool) -> Result<u64, Error> {
        self.may_be_preempted();
        self.check_open()?;
        Ok(self.with(|world, link| {
            let it = &mut world.links[link];
            it.published += 1;
            let sequence = it.published;
            if let Some(input) = input {
                let (to, message_id) = (Arc::clone(&message.to), message.properties.message_id.clone());
                it.publishes.insert(sequence, Published { input, to, message_id, must_arrive });
            }
            it.unsent.push(Frame::Publish { sequence: if it.confirms { sequence } else { 0 }, message, input });
            if world.random.u8(..8) == 0 {
                world.flush(link);
            }
            sequence
        }))
    }
}

impl Publish for SimulatedLink {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        if *message.to == *UNREGISTER {
            self.with(|world, link| world.check_unregister(world.links[link].process));
        }
        let is_output = self.with(|world, _| *message.to == *world.names.output);
        let input = ledger::number(message.properties.message_id.as_deref()).filter(|_| is_output);
        self.send(message.clone(), input, false)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.with(World::flush);
        Ok(())
    }

    fn check_size(&mut self, _bytes: usize) -> Result<(), Error> {
        self.check_open()
    }

    fn is_blocked(&self) -> bool {
        self.with(|world, _| world.broker.is_blocked && world.now > world.broker.blocked_since + 10_000)
    }
}
