//! amqprs, as quick as it goes: one task that hears, says, takes confirms, and acknowledges in one go.

use std::error::Error;

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicPublishArguments, BasicQosArguments, Channel,
    ConfirmSelectArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Nack, Return};
use async_trait::async_trait;
use echo_bench::confirms::Confirms;
use echo_bench::setting::{HEARD, SAID, Setting};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type AmqprsResult<T> = std::result::Result<T, amqprs::error::Error>;

#[tokio::main]
async fn main() -> Result<()> {
    let setting = Setting::from_environment();
    let (_hearing_connection, hearing) = connect(&setting).await?;
    let (_saying_connection, saying) = connect(&setting).await?;
    let (confirm, mut confirms) = unbounded_channel();
    saying.register_callback(Confirming(confirm)).await?;
    saying.confirm_select(ConfirmSelectArguments::default()).await?;
    hearing.queue_declare(QueueDeclareArguments::durable_client_named(HEARD)).await?;
    hearing.basic_qos(BasicQosArguments::new(0, setting.prefetch, false)).await?;
    let (_, mut messages) = hearing.basic_consume_rx(BasicConsumeArguments::new(HEARD, "")).await?;

    let to = BasicPublishArguments::new("", SAID).mandatory(true).finish();
    let properties = BasicProperties::default().with_content_type("application/json").with_persistence(true).finish();
    let mut open = Confirms::default();
    loop {
        tokio::select! {
            biased;
            Some(ack) = confirms.recv() => {
                open.confirmed(ack.delivery_tag(), ack.mutiple());
                while let Ok(ack) = confirms.try_recv() {
                    open.confirmed(ack.delivery_tag(), ack.mutiple());
                }
                if open.settle() > 0 {
                    hearing.basic_ack(BasicAckArguments::new(open.settled, true)).await?;
                }
            }
            Some(message) = messages.recv() => {
                let body = message.content.expect("a message has a body");
                saying.basic_publish(properties.clone(), body, to.clone()).await?;
                open.published();
            }
            else => break,
        }
    }
    Ok(())
}

async fn connect(setting: &Setting) -> Result<(Connection, Channel)> {
    let address = &setting.address;
    let arguments = OpenConnectionArguments::new(&address.host, address.port, &address.username, &address.password)
        .virtual_host(&address.vhost)
        .finish();
    let connection = Connection::open(&arguments).await?;
    let channel = connection.open_channel(None).await?;
    Ok((connection, channel))
}

/// Hands on the confirms.
struct Confirming(UnboundedSender<Ack>);

#[async_trait]
impl ChannelCallback for Confirming {
    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        // Nobody listens any more when the echo has ended.
        let _ = self.0.send(ack);
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        panic!("an answer was not taken");
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {
        panic!("an answer was not taken");
    }

    async fn close(&mut self, _: &Channel, close: CloseChannel) -> AmqprsResult<()> {
        panic!("the broker closed the channel: {close}");
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> AmqprsResult<()> {
        panic!("the queue is gone");
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> AmqprsResult<bool> {
        Ok(active)
    }
}
