//! A connection to the broker.

use std::net::TcpStream;
use std::time::Duration;

use amiquip::{
    AmqpProperties, Auth, Channel, Connection, ConnectionOptions, ConnectionTuning, Publish, QueueDeclareOptions,
};

use super::settings::Settings;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const HEARTBEAT_SECONDS: u16 = 5;
const MAILBOX: usize = 1024;

pub(crate) fn connect(settings: &Settings) -> Result<Connection, String> {
    let options = ConnectionOptions::default()
        .auth(Auth::Plain { username: settings.username.clone(), password: settings.password.clone() })
        .virtual_host(settings.vhost.clone())
        .heartbeat(HEARTBEAT_SECONDS)
        .connection_timeout(Some(CONNECT_LIMIT));
    let address = (settings.host.as_str(), settings.port);
    let socket =
        TcpStream::connect(address).map_err(|error| format!("{}:{}: {error}", settings.host, settings.port))?;
    socket.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream = mio::net::TcpStream::from_stream(socket).map_err(|error| error.to_string())?;
    let tuning = ConnectionTuning::default().mem_channel_bound(MAILBOX);
    Connection::insecure_open_stream(stream, options, tuning).map_err(|error| error.to_string())
}

/// As the MOV declares every queue: durable, and without arguments. Any other declaration of it is refused from then on.
pub(crate) fn declare(channel: &Channel, queue: &str) -> Result<(), amiquip::Error> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue, options).map(drop)
}

/// As the MOV publishes: not mandatory, not confirmed, transient, and with no property but this one.
pub(crate) fn publish(channel: &Channel, queue: &str, body: &str) -> Result<(), amiquip::Error> {
    let properties = AmqpProperties::default().with_content_type("application/json".to_owned());
    channel.basic_publish("", Publish::with_properties(body.as_bytes(), queue, properties))
}

/// As the MOV publishes pages, over a connection of their own.
pub(crate) fn publish_page(channel: &Channel, queue: &str, body: &str) -> Result<(), amiquip::Error> {
    publish(channel, queue, body)
}
