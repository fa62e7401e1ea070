//! Connects, declares and publishes as the MOV does.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use amiquip::{
    AmqpProperties, Auth, Channel, Connection, ConnectionOptions, ConnectionTuning, FieldTable, Publish,
    QueueDeclareOptions,
};

use super::ConnectionError;
use crate::settings::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const HEARTBEAT_SECONDS: u16 = 5;
/// How many messages of a channel may wait for the client's I/O thread.
const CHANNEL_BOUND: usize = 1024;

pub(super) fn connect(settings: &Settings) -> Result<Connection, ConnectionError> {
    let options = ConnectionOptions::default()
        .auth(Auth::Plain { username: settings.username.clone(), password: settings.password.clone() })
        .virtual_host(settings.vhost.clone())
        .heartbeat(HEARTBEAT_SECONDS)
        .connection_timeout(Some(CONNECT_TIMEOUT));
    let stream = open_socket(settings).map_err(|source| {
        let address = format!("{}:{}", settings.host, settings.port);
        ConnectionError::Connect { address, source }
    })?;
    let tuning = ConnectionTuning::default().mem_channel_bound(CHANNEL_BOUND);
    Ok(Connection::insecure_open_stream(stream, options, tuning)?)
}

fn open_socket(settings: &Settings) -> io::Result<mio::net::TcpStream> {
    let socket = TcpStream::connect((settings.host.as_str(), settings.port))?;
    socket.set_nodelay(true)?;
    mio::net::TcpStream::from_stream(socket)
}

/// Declares a queue durable and without arguments. The broker then refuses every other declaration of it.
pub(super) fn declare(channel: &Channel, queue: &str) -> amiquip::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue, options).map(drop)
}

/// Publishes transient, without `mandatory` and confirms, and with the content type as the only property.
pub(super) fn publish(channel: &Channel, queue: &str, body: &str) -> amiquip::Result<()> {
    channel.basic_publish("", Publish::with_properties(body.as_bytes(), queue, json_properties()))
}

/// Publishes a page: in addition, it has an empty table of headers.
pub(super) fn publish_page(channel: &Channel, queue: &str, body: &str) -> amiquip::Result<()> {
    let properties = json_properties().with_headers(FieldTable::new());
    channel.basic_publish("", Publish::with_properties(body.as_bytes(), queue, properties))
}

fn json_properties() -> AmqpProperties {
    AmqpProperties::default().with_content_type("application/json".to_owned())
}
