//! amqprs at its fastest: one task consumes, publishes, collects confirms and acknowledges in batches.

use std::error::Error;

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicPublishArguments, BasicQosArguments, Channel,
    ConfirmSelectArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Nack, Return};
use async_trait::async_trait;
use echo_bench::config::{Config, INPUT_QUEUE, OUTPUT_QUEUE};
use echo_bench::confirms::Confirms;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type AmqprsResult<T> = std::result::Result<T, amqprs::error::Error>;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::from_env();
    let (_consumer_connection, consumer) = connect(&config).await?;
    let (_publisher_connection, publisher) = connect(&config).await?;
    let (ack_sender, mut acks) = unbounded_channel();
    publisher.register_callback(ForwardAcks(ack_sender)).await?;
    publisher.confirm_select(ConfirmSelectArguments::default()).await?;
    consumer.queue_declare(QueueDeclareArguments::durable_client_named(INPUT_QUEUE)).await?;
    consumer.basic_qos(BasicQosArguments::new(0, config.prefetch, false)).await?;
    let (_, mut deliveries) = consumer.basic_consume_rx(BasicConsumeArguments::new(INPUT_QUEUE, "")).await?;

    let target = BasicPublishArguments::new("", OUTPUT_QUEUE).mandatory(true).finish();
    let properties = BasicProperties::default().with_content_type("application/json").with_persistence(true).finish();
    let mut confirms = Confirms::default();
    loop {
        tokio::select! {
            biased;
            Some(ack) = acks.recv() => {
                confirms.acked(ack.delivery_tag(), ack.mutiple());
                while let Ok(ack) = acks.try_recv() {
                    confirms.acked(ack.delivery_tag(), ack.mutiple());
                }
                if confirms.advance() > 0 {
                    consumer.basic_ack(BasicAckArguments::new(confirms.confirmed(), true)).await?;
                }
            }
            Some(delivery) = deliveries.recv() => {
                let body = delivery.content.ok_or("a delivery without a body")?;
                publisher.basic_publish(properties.clone(), body, target.clone()).await?;
                confirms.published();
            }
            else => break,
        }
    }
    Ok(())
}

async fn connect(config: &Config) -> Result<(Connection, Channel)> {
    let address = &config.address;
    let arguments = OpenConnectionArguments::new(&address.host, address.port, &address.username, &address.password)
        .virtual_host(&address.vhost)
        .finish();
    let connection = Connection::open(&arguments).await?;
    let channel = connection.open_channel(None).await?;
    Ok((connection, channel))
}

/// Forwards confirms to the main task. Everything else that the broker may report ends the process.
struct ForwardAcks(UnboundedSender<Ack>);

#[async_trait]
impl ChannelCallback for ForwardAcks {
    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        // Fails only while the process exits.
        let _ = self.0.send(ack);
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        panic!("the broker nacked a reply");
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {
        panic!("the broker returned a reply as unroutable");
    }

    async fn close(&mut self, _: &Channel, close: CloseChannel) -> AmqprsResult<()> {
        panic!("the broker closed the channel: {close}");
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> AmqprsResult<()> {
        panic!("the broker cancelled the consumer");
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> AmqprsResult<bool> {
        Ok(active)
    }
}
