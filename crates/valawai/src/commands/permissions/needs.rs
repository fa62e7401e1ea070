//! What `run` and each command do on the broker.

use super::patterns::{Named, Permissions};
use crate::asyncapi::REGISTERED;
use crate::broker::SERVICE_EXCHANGE;
use crate::commands::target::Target;
use crate::component::input::Input;
use crate::component::parameters::PARAMETERS;
use crate::consumer::retry::{dead_letter_queue, retry_queues};
use crate::mov::payloads;
use crate::mov::registration::identity_queue;
use crate::name::ChannelName;
use crate::routes::{ConsumerRoute, Destination, ProducerRoute};
use crate::service;

/// The firehose, and what names of temporary queues begin with.
const FIREHOSE: &str = "amq.rabbitmq.trace";
const TEMPORARY: &str = "amq.gen";

/// What a component needs that runs. `answers` says whether operators can talk to it.
pub(super) fn run(target: &Target, answers: bool) -> Permissions {
    let mut needs = Permissions::default();
    needs.publish_to_queues();
    for channel in target.consumed() {
        let queue = Named::exactly(channel.queue());
        needs.declare(&queue);
        needs.read(&queue);
        if channel.short() != REGISTERED {
            own_queues(&mut needs, &OwnQueues::of_channel(channel));
        }
        // Its processes tell each other what they have heard.
        if channel.short() == PARAMETERS && answers {
            needs.publish_to(SERVICE_EXCHANGE);
        }
    }
    for channel in target.published() {
        needs.look_at(&Named::exactly(channel.queue()));
    }
    let identity = Named::exactly(&identity_queue(&target.name));
    needs.declare(&identity);
    needs.read(&identity);
    needs.look_at(&Named::exactly(payloads::REGISTER));
    answers_of_mov(&mut needs, payloads::PAGE);
    if target.name.starts_with("c2_") {
        // It enables what it is to observe.
        answers_of_mov(&mut needs, payloads::TOPOLOGY_PAGE);
    }
    if answers {
        let queue = Named::hexadecimal(&service::queue(&target.name, ""));
        needs.declare_exchange(SERVICE_EXCHANGE);
        needs.declare(&queue);
        needs.bind(&queue, SERVICE_EXCHANGE);
        needs.read(&queue);
    }
    needs
}

/// What a consumer from configuration needs on its broker. Any channel of the component tells the names of its queues.
pub(super) fn consumer(needs: &mut Permissions, route: &ConsumerRoute, channel: &ChannelName) {
    let queue = Named::exactly(&route.queue);
    needs.declare(&queue);
    needs.read(&queue);
    if let Some(binding) = &route.binding {
        needs.use_exchange(&binding.exchange);
        needs.bind(&queue, &binding.exchange.name);
    }
    let input = Input::of_route(&route.name, &route.queue, channel, false);
    own_queues(needs, &OwnQueues { dead_letters: dead_letter_queue(&input), retries: retry_queues(&input) });
}

/// What a producer from configuration needs on its broker.
pub(super) fn producer(needs: &mut Permissions, route: &ProducerRoute) {
    match &route.destination {
        Destination::Queue(queue) => {
            needs.declare(&Named::exactly(queue));
            needs.publish_to_queues();
        }
        Destination::Exchange(exchange, _) => {
            needs.use_exchange(exchange);
            needs.publish_to(&exchange.name);
        }
    }
}

/// What an operator's command needs; `None` if there is no such command. For a command with several actions, that is what its
/// action needs that needs most, unless it is listed by itself.
pub(super) fn command(name: &str, target: &Target) -> Option<Permissions> {
    let mut needs = Permissions::default();
    match name {
        "ping" | "info" | "stats" | "control" | "monitor" | "logs" => needs.publish_to(SERVICE_EXCHANGE),
        "monitor --trace" => {
            let queue = Named::beginning(TEMPORARY);
            needs.declare(&queue);
            needs.read(&queue);
            needs.bind(&queue, FIREHOSE);
        }
        "status" => {
            needs.publish_to(SERVICE_EXCHANGE);
            target.channels.iter().for_each(|(channel, _)| needs.look_at(&Named::exactly(channel.queue())));
            target.handled().for_each(|channel| needs.look_at(&Named::exactly(&dead_letter_queue(channel))));
        }
        "publish" | "call" => needs.publish_to_queues(),
        "inspect" => {
            target.consumed().for_each(|channel| needs.read(&Named::exactly(channel.queue())));
            target.handled().for_each(|channel| OwnQueues::of_channel(channel).read(&mut needs));
        }
        "dead-letters" => target.handled().for_each(|channel| OwnQueues::of_channel(channel).read(&mut needs)),
        "dead-letters purge" => target.handled().for_each(|it| needs.read(&Named::exactly(&dead_letter_queue(it)))),
        "dead-letters replay" | "resurrect" | "requeue" => {
            for channel in target.handled() {
                needs.read(&Named::exactly(&dead_letter_queue(channel)));
                // Whether where they go exists.
                needs.look_at(&Named::exactly(channel.queue()));
            }
            needs.publish_to_queues();
        }
        "configure" => target.handled().for_each(|channel| own_queues(&mut needs, &OwnQueues::of_channel(channel))),
        "clear" => target.handled().for_each(|channel| OwnQueues::of_channel(channel).declare(&mut needs)),
        "mov" => mov(&mut needs),
        // They need no broker.
        "asyncapi" | "check" | "completions" | "config" | "health" | "man" | "permissions" | "routes" => {}
        _ => return None,
    }
    Some(needs)
}

fn mov(needs: &mut Permissions) {
    needs.publish_to_queues();
    answers_of_mov(needs, payloads::PAGE);
    answers_of_mov(needs, payloads::TOPOLOGY_PAGE);
    for queue in [
        payloads::QUERY,
        payloads::TOPOLOGY_QUERY,
        payloads::TOPOLOGY_CREATE,
        payloads::TOPOLOGY_CHANGE,
        payloads::NOTIFICATION_CREATE,
        payloads::NOTIFICATION_CHANGE,
    ] {
        needs.look_at(&Named::exactly(queue));
    }
}

/// The queue of the MOV's answers, which all components share.
fn answers_of_mov(needs: &mut Permissions, queue: &str) {
    let queue = Named::exactly(queue);
    needs.declare(&queue);
    needs.read(&queue);
}

fn own_queues(needs: &mut Permissions, queues: &OwnQueues) {
    needs.declare(&Named::exactly(&queues.dead_letters));
    needs.declare_with_expiry(&Named::numbered(&queues.retries));
}

/// The queues that the consumer of a channel or of a route has of its own.
struct OwnQueues {
    dead_letters: String,
    /// What their names begin with.
    retries: String,
}

impl OwnQueues {
    fn of_channel(channel: &ChannelName) -> Self {
        Self { dead_letters: dead_letter_queue(channel), retries: retry_queues(channel) }
    }

    fn read(&self, needs: &mut Permissions) {
        needs.read(&Named::exactly(&self.dead_letters));
        needs.read(&Named::numbered(&self.retries));
    }

    fn declare(&self, needs: &mut Permissions) {
        needs.declare(&Named::exactly(&self.dead_letters));
        needs.declare(&Named::numbered(&self.retries));
    }
}
