//! lapin, as quick as it goes: a task that hears and says, and one that awaits confirms and acknowledges in one go.

use std::error::Error;

use echo_bench::setting::{HEARD, SAID, Setting};
use futures_lite::{StreamExt, future};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// An answer under way, and the message that it answers.
type Awaited = (u64, PublisherConfirm);

#[tokio::main]
async fn main() -> Result<()> {
    let setting = Setting::from_environment();
    let (_hearing_connection, hearing) = connect(&setting).await?;
    let (_saying_connection, saying) = connect(&setting).await?;
    saying.confirm_select(ConfirmSelectOptions::default()).await?;
    hearing.queue_declare(HEARD.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    hearing.basic_qos(setting.prefetch, BasicQosOptions::default()).await?;
    let mut messages =
        hearing.basic_consume(HEARD.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let (said, awaited) = unbounded_channel();
    let settling = tokio::spawn(settle(hearing, awaited));

    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_content_type("application/json".into()).with_delivery_mode(2);
    while let Some(message) = messages.next().await {
        let message = message?;
        let confirm = saying.basic_publish("".into(), SAID.into(), options, &message.data, properties.clone()).await?;
        said.send((message.delivery_tag, confirm))?;
    }
    settling.await?
}

async fn connect(setting: &Setting) -> Result<(Connection, Channel)> {
    let address = &setting.address;
    let vhost = address.vhost.replace('/', "%2f");
    let url = format!("amqp://{}:{}@{}:{}/{vhost}", address.username, address.password, address.host, address.port);
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

async fn settle(hearing: Channel, mut awaited: UnboundedReceiver<Awaited>) -> Result<()> {
    let mut next = awaited.recv().await;
    while let Some((mut settled, mut confirm)) = next.take() {
        check(&(&mut confirm).await?)?;
        while let Ok((tag, mut confirm)) = awaited.try_recv() {
            let Some(confirmed) = future::poll_once(&mut confirm).await else {
                next = Some((tag, confirm));
                break;
            };
            check(&confirmed?)?;
            settled = tag;
        }
        hearing.basic_ack(settled, BasicAckOptions { multiple: true }).await?;
        if next.is_none() {
            next = awaited.recv().await;
        }
    }
    Ok(())
}

fn check(confirmation: &Confirmation) -> Result<()> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        _ => Err("an answer was not taken".into()),
    }
}
