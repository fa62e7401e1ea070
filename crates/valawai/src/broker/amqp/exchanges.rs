//! Declares exchanges and bindings, on channels of their own: the broker closes the channel of what it refuses.

use std::time::Instant;

use amiquip::{AmqpValue, ExchangeDeclareOptions, ExchangeType, FieldTable};

use super::channel::{CLOSE_LIMIT, Channel, LinkChannels};
use super::errors;
use crate::broker::{BYTES_IN_FLIGHT, Declared, Error};
use crate::routes::{Argument, Arguments, Binding, Exchange, ExchangeKind, PlainKind};

/// The argument of an exchange that delays messages.
const ROUTES_AS: &str = "x-delayed-type";

/// Declares `exchange`, or checks that it exists.
pub(super) fn declare(channels: &LinkChannels, exchange: &Exchange) -> Result<Declared, Error> {
    let channel = channels.query_connection.open_channel()?;
    let name = &exchange.name;
    if !exchange.create {
        let action = format!("use the exchange {name}");
        channel.call(&action, |channel| channel.exchange_declare_passive(&**name).map(drop))?;
        return Ok(Declared::AsConfigured);
    }
    match exchange.kind {
        ExchangeKind::Plain(kind) => {
            declare_as(&channel, exchange, plain(kind), table(&exchange.arguments))?;
            Ok(Declared::AsConfigured)
        }
        ExchangeKind::Delayed(kind) if try_delayed(channels, exchange, kind)? => Ok(Declared::AsConfigured),
        ExchangeKind::Delayed(kind) => {
            let mut arguments = table(&exchange.arguments);
            arguments.remove(ROUTES_AS);
            declare_as(&channel, exchange, plain(kind), arguments)?;
            Ok(Declared::WithoutDelay)
        }
    }
}

/// Binds `queue` as `binding` says.
pub(super) fn bind(channels: &LinkChannels, queue: &str, binding: &Binding) -> Result<(), Error> {
    let Binding { exchange, key, arguments } = binding;
    let channel = channels.query_connection.open_channel()?;
    let action = format!("bind {queue} to the exchange {}", exchange.name);
    channel.call(&action, |channel| channel.queue_bind(queue, &*exchange.name, &**key, table(arguments)))
}

/// Declares `exchange` with its delay, and returns whether the broker has the plugin for it. Without the plugin, it closes the
/// connection, which is one for this only.
fn try_delayed(channels: &LinkChannels, exchange: &Exchange, kind: PlainKind) -> Result<bool, Error> {
    let connection = channels.connector.open("probe", BYTES_IN_FLIGHT)?;
    let mut arguments = table(&exchange.arguments);
    arguments.insert(ROUTES_AS.to_owned(), AmqpValue::LongString(kind.name().to_owned()));
    let delayed = ExchangeType::Custom(exchange.kind.name().to_owned());
    let declared = declare_as(&connection.open_channel()?, exchange, delayed, arguments);
    let cause = connection.close(Instant::now() + CLOSE_LIMIT);
    match declared {
        Ok(()) => Ok(true),
        // It was declared without the plugin before.
        Err(Error::Denied { reason, .. }) if reason.contains("inequivalent arg 'type'") => Ok(false),
        Err(error) => {
            let reason = cause.map(|cause| errors::cause(&cause)).unwrap_or_default();
            let is_unknown_type = format!("{error} {reason}").contains("exchange type");
            if is_unknown_type { Ok(false) } else { Err(error) }
        }
    }
}

fn declare_as(channel: &Channel, exchange: &Exchange, kind: ExchangeType, arguments: FieldTable) -> Result<(), Error> {
    let options = ExchangeDeclareOptions { durable: exchange.durable, arguments, ..ExchangeDeclareOptions::default() };
    let action = format!("declare the exchange {}", exchange.name);
    channel.call(&action, |channel| channel.exchange_declare(kind, &*exchange.name, options).map(drop))
}

fn plain(kind: PlainKind) -> ExchangeType {
    match kind {
        PlainKind::Direct => ExchangeType::Direct,
        PlainKind::Fanout => ExchangeType::Fanout,
        PlainKind::Topic => ExchangeType::Topic,
        PlainKind::Headers => ExchangeType::Headers,
    }
}

fn table(arguments: &Arguments) -> FieldTable {
    let value = |argument: &Argument| match argument {
        Argument::Text(text) => AmqpValue::LongString(text.clone()),
        Argument::Number(number) => AmqpValue::LongLongInt(*number),
        Argument::Boolean(boolean) => AmqpValue::Boolean(*boolean),
    };
    arguments.iter().map(|(name, argument)| (name.clone(), value(argument))).collect()
}
