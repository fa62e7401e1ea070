//! lapin at its fastest: one task consumes and publishes, another awaits confirms and acknowledges in batches.

use std::error::Error;

use echo_bench::config::{Config, INPUT_QUEUE, OUTPUT_QUEUE};
use futures_lite::{StreamExt, future};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The delivery tag of a message and the pending confirm of its reply.
type InFlight = (u64, PublisherConfirm);

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::from_env();
    let (_consumer_connection, consumer) = connect(&config).await?;
    let (_publisher_connection, publisher) = connect(&config).await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    consumer.queue_declare(INPUT_QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    consumer.basic_qos(config.prefetch, BasicQosOptions::default()).await?;
    let mut deliveries = consumer
        .basic_consume(INPUT_QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    let (in_flight_sender, in_flight) = unbounded_channel();
    let acknowledging = tokio::spawn(acknowledge_confirmed(consumer, in_flight));

    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_content_type("application/json".into()).with_delivery_mode(2);
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        let confirm = publisher
            .basic_publish("".into(), OUTPUT_QUEUE.into(), options, &delivery.data, properties.clone())
            .await?;
        in_flight_sender.send((delivery.delivery_tag, confirm))?;
    }
    acknowledging.await?
}

async fn connect(config: &Config) -> Result<(Connection, Channel)> {
    let address = &config.address;
    let vhost = address.vhost.replace('/', "%2f");
    let url = format!("amqp://{}:{}@{}:{}/{vhost}", address.username, address.password, address.host, address.port);
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

/// Waits for a confirm, takes those that have arrived after it, and acknowledges all of them with one `basic.ack`.
async fn acknowledge_confirmed(consumer: Channel, mut in_flight: UnboundedReceiver<InFlight>) -> Result<()> {
    let mut next = in_flight.recv().await;
    while let Some((mut confirmed, mut confirm)) = next.take() {
        require_ack(&(&mut confirm).await?)?;
        while let Ok((tag, mut confirm)) = in_flight.try_recv() {
            let Some(confirmation) = future::poll_once(&mut confirm).await else {
                next = Some((tag, confirm));
                break;
            };
            require_ack(&confirmation?)?;
            confirmed = tag;
        }
        consumer.basic_ack(confirmed, BasicAckOptions { multiple: true }).await?;
        if next.is_none() {
            next = in_flight.recv().await;
        }
    }
    Ok(())
}

fn require_ack(confirmation: &Confirmation) -> Result<()> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        _ => Err("the broker nacked a reply or returned it as unroutable".into()),
    }
}
