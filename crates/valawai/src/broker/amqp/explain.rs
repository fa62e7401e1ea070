//! amiquip's errors in the words of this library: what, where, and the remedy.

use amiquip::Error as Amqp;

use super::Host;
use crate::broker::Error;

const ACCESS_REFUSED: u16 = 403;
const NOT_ALLOWED: u16 = 530;

/// Why the broker at `host` would not have us.
pub(super) fn refusal(host: &Host, error: &Amqp) -> Error {
    let reason = match error {
        Amqp::InvalidCredentials => {
            "it closed the connection at the log-in; check RABBITMQ_USERNAME and RABBITMQ_PASSWORD".to_owned()
        }
        Amqp::ServerClosedConnection { code: NOT_ALLOWED, message } => {
            format!("{message}; check RABBITMQ_VHOST, and that the user may use it")
        }
        other => cause(other),
    };
    Error::Refused { address: host.to_string(), reason }
}

/// Why the broker would not do `action`, or that the connection is lost.
pub(super) fn explain(action: &str, error: &Amqp) -> Error {
    match error {
        Amqp::ServerClosedChannel { message, .. } => {
            Error::Denied { action: action.to_owned(), reason: message.clone() }
        }
        other => Error::Lost { reason: cause(other) },
    }
}

/// That the connection is gone; why, its session knows.
pub(super) fn lost() -> Error {
    Error::lost("no more is known")
}

/// Whether a refused `consume` means that somebody else has the queue to himself.
pub(super) fn is_lock_held(error: &Amqp) -> bool {
    matches!(error, Amqp::ServerClosedChannel { code: ACCESS_REFUSED, message, .. } if message.contains("exclusive use"))
}

/// The sentence with the cause; none of amiquip's that are used here carries a URL or a password.
pub(super) fn cause(error: &Amqp) -> String {
    match error {
        Amqp::ServerClosedConnection { message, .. } => format!("the broker closed it: {message}"),
        Amqp::MissedServerHeartbeats => "the broker sent nothing for two heartbeats".to_owned(),
        Amqp::IoErrorReadingSocket { source } | Amqp::IoErrorWritingSocket { source } => source.to_string(),
        Amqp::UnexpectedSocketClose => "the connection ended without a word".to_owned(),
        other => other.to_string(),
    }
}

/// How much an error tells, to choose between those of two connections.
pub(super) fn weight(error: &Amqp) -> u8 {
    match error {
        Amqp::ServerClosedConnection { .. } => 3,
        Amqp::MissedServerHeartbeats => 2,
        Amqp::IoErrorReadingSocket { .. } | Amqp::IoErrorWritingSocket { .. } => 1,
        _ => 0,
    }
}
