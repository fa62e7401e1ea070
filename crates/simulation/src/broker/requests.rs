//! What the broker does with the frames that arrive.

use std::sync::Arc;

use valawai::internals::broker::{Access, OwnQueue};
use valawai::internals::message::{Message, Outgoing};

use super::channel::Unconfirmed;
use super::connection::{OwnedOptions, returned};
use super::{ConnectionId, Frame, Kind, LinkId, Reply, Request, Response, Stored};
use crate::world::World;

impl World {
    pub(super) fn serve(&mut self, link: LinkId, on: ConnectionId, frame: Frame) {
        // It publishes and asks on other channels than it consumes.
        let is_consuming = on == self.links[link].consuming && !matches!(frame, Frame::Publish { .. });
        if self.broker.channels[link].is_closed && is_consuming {
            return;
        }
        match frame {
            Frame::Publish { sequence, message, input } => self.publish(link, sequence, message, input),
            Frame::Acknowledge { tag, is_multiple } => self.acknowledge(link, tag, is_multiple),
            Frame::Requeue { tag } => self.reject(link, tag),
            Frame::Close => self.close_channel(link),
            Frame::Call { number, request } => {
                let asked = if self.trace.is_told { format!("{request:?}") } else { String::new() };
                let response = self.answer(link, request);
                let process = self.links[link].process;
                self.tell(|| format!("  process {process}, link {link}: {asked}: {response:?}"));
                self.send_to_client(link, Reply::Response { number, response });
            }
        }
    }

    fn publish(&mut self, link: LinkId, sequence: u64, message: Outgoing, input: Option<usize>) {
        let name = Arc::clone(&message.to);
        self.forget_unused(&name);
        let (is_routed, rejects, kind) = match self.broker.queues.get(&name) {
            Some(queue) => (!queue.is_node_down, queue.rejects, queue.kind),
            None => (false, false, Kind::Other),
        };
        let is_accepted = !(is_routed && rejects);
        let mut stored_at = None;
        if !is_routed {
            if message.mandatory {
                self.send_to_client(link, Reply::Returned(returned(&message)));
            }
            self.note_unroutable(&name, input);
        } else if is_accepted {
            let now = self.now;
            let stored = Stored {
                is_persistent: message.persistent,
                input,
                added: now,
                expires_at: message.expires_after_ms.map(|after| now + u64::from(after) * 1000),
                is_confirmed: false,
                message: Message { body: message.body, properties: message.properties },
            };
            if kind == Kind::Output {
                self.check_output(&stored);
            }
            stored_at = Some((Arc::clone(&name), self.add_to_queue(&name, stored)));
        }
        // A link that only publishes gets no confirms.
        if sequence > 0 {
            self.broker.channels[link].unconfirmed.insert(sequence, Unconfirmed { stored_at, is_accepted });
            self.plan_confirms(link);
        }
    }

    /// The broker deletes a queue that was not used for as long as its arguments say.
    fn forget_unused(&mut self, name: &Arc<str>) {
        let now = self.now;
        let is_unused = self.broker.queues.get(name).is_some_and(|queue| {
            let expires = queue.expires_after.is_some_and(|after| now > queue.last_used + after);
            expires && queue.ready.is_empty() && queue.consumers.is_empty()
        });
        if is_unused {
            self.broker.queues.remove(name);
        }
    }

    fn answer(&mut self, link: LinkId, request: Request) -> Response {
        match request {
            Request::Open => Response::Done,
            Request::Declare { queue, own } => self.declare(&queue, own.as_ref()),
            Request::Consume { queue, access, prefetch } => self.consume(link, &queue, access, prefetch),
            Request::Cancel => {
                let channel = &mut self.broker.channels[link];
                let active = channel.consumers.iter_mut().enumerate().filter(|(_, consumer)| consumer.is_active);
                let cancelled: Vec<_> = active
                    .map(|(index, consumer)| {
                        consumer.is_active = false;
                        (index, Arc::clone(&consumer.queue), consumer.is_exclusive)
                    })
                    .collect();
                for (index, queue, is_exclusive) in cancelled {
                    self.remove_consumer(link, index, &queue, is_exclusive);
                }
                Response::Done
            }
            Request::Inspect { queue } => {
                let found = self.broker.queues.get(&queue);
                let consumers = found.filter(|queue| !queue.is_node_down).map(super::Queue::consumer_count);
                Response::Inspected { consumers, is_missing: found.is_none() }
            }
            Request::Get { queue } => {
                let got = self.broker.queues.get_mut(&queue).filter(|queue| !queue.is_node_down);
                let Some((position, stored)) = got.and_then(|queue| queue.ready.pop_first()) else {
                    return Response::Got(None);
                };
                let message = stored.message.clone();
                self.broker.channels[link].browsed.push((queue, position, stored));
                Response::Got(Some(message))
            }
            Request::Remove => {
                if let Some((queue, _, stored)) = self.broker.channels[link].browsed.pop() {
                    let kind = self.broker.queues.get(&queue).map_or(Kind::Other, |queue| queue.kind);
                    self.note_removed(kind, &stored);
                }
                Response::Done
            }
            Request::EndBrowse => {
                for (queue, position, stored) in std::mem::take(&mut self.broker.channels[link].browsed) {
                    self.requeue(&queue, position, stored);
                }
                Response::Done
            }
        }
    }

    fn declare(&mut self, name: &Arc<str>, own: Option<&OwnedOptions>) -> Response {
        self.forget_unused(name);
        let now = self.now;
        let queue = self.queue(name);
        if queue.is_denied {
            return Response::Denied("PRECONDITION_FAILED - inequivalent arg");
        }
        if queue.is_node_down {
            return Response::Denied("NOT_FOUND - the home node of the queue is down");
        }
        queue.last_used = now;
        if let Some(own) = own {
            let delay = own.delay.as_ref().map(|(after, to)| (*after, to.as_str()));
            let (expires_after_ms, newest_only) = (own.expires_after_ms, own.newest_only);
            queue.set_arguments(&OwnQueue { delay, expires_after_ms, newest_only });
        }
        Response::Done
    }

    fn consume(&mut self, link: LinkId, name: &Arc<str>, access: Access, prefetch: u16) -> Response {
        let is_exclusive = access == Access::Exclusive;
        let Some(queue) = self.broker.queues.get_mut(name).filter(|queue| !queue.is_node_down) else {
            self.close_channel(link);
            return Response::Denied("NOT_FOUND - no queue");
        };
        if queue.is_exclusive || (is_exclusive && !queue.consumers.is_empty()) {
            return Response::LockHeld;
        }
        queue.is_exclusive = is_exclusive;
        let consumer = self.broker.channels[link].add_consumer(Arc::clone(name), prefetch, is_exclusive);
        if let Some(queue) = self.broker.queues.get_mut(name) {
            queue.consumers.push((link, consumer));
        }
        let response = Response::Consuming { consumer };
        self.dispatch(name);
        response
    }
}
