//! amiquip's errors as errors of this library, with the remedy.

use std::io;

use amiquip::Error as Amqp;

use super::{Host, Options};
use crate::broker::Error;
use crate::tls;

const ACCESS_REFUSED: u16 = 403;
const NOT_ALLOWED: u16 = 530;

/// Why the handshake with `host` failed.
pub(super) fn connect_error(host: &Host, options: &Options, error: &Amqp) -> Error {
    let address = host.to_string();
    if let Some(reason) = refused_by_tls(options, error) {
        return Error::Insecure { address, reason };
    }
    let reason = match error {
        Amqp::InvalidCredentials if options.external => {
            "it closed the connection during the login; check that it has a user with the name in the client \
             certificate (RABBITMQ_CERT_FILE), as ssl_cert_login_from says"
                .to_owned()
        }
        Amqp::UnsupportedAuthMechanism { .. } if options.external => {
            "it does not accept certificates as a login; enable its plugin rabbitmq_auth_mechanism_ssl and the mechanism \
             EXTERNAL, or set RABBITMQ_AUTH=password"
                .to_owned()
        }
        Amqp::InvalidCredentials => {
            "it closed the connection during the login; check RABBITMQ_USERNAME and RABBITMQ_PASSWORD".to_owned()
        }
        Amqp::ServerClosedConnection { code: NOT_ALLOWED, message } => {
            format!("{message}; check RABBITMQ_VHOST and the user's permissions on it")
        }
        other => cause(other),
    };
    Error::Rejected { address, reason }
}

/// With TLS 1.3, a server that refuses the client certificate says so only after the handshake, or just closes the connection.
fn refused_by_tls(options: &Options, error: &Amqp) -> Option<String> {
    match error {
        _ if !options.is_encrypted => None,
        Amqp::IoErrorReadingSocket { source } | Amqp::IoErrorWritingSocket { source } => {
            tls::failure(source, &options.tls)
        }
        Amqp::UnexpectedSocketClose => tls::failure(&io::ErrorKind::UnexpectedEof.into(), &options.tls),
        _ => None,
    }
}

/// Why `action` failed: the broker refused it, or the connection was lost.
pub(super) fn call_error(action: &str, error: &Amqp) -> Error {
    match error {
        Amqp::ServerClosedChannel { message, .. } => {
            Error::Denied { action: action.to_owned(), reason: message.clone() }
        }
        other => Error::Lost { reason: cause(other) },
    }
}

/// The error of a channel that was disconnected without a reason. [`Session::close`](crate::broker::Session::close)
/// returns the cause.
pub(super) fn disconnected() -> Error {
    Error::lost("the cause is not known here")
}

/// Whether a `consume` failed because another consumer is exclusive.
pub(super) fn is_lock_held(error: &Amqp) -> bool {
    matches!(error, Amqp::ServerClosedChannel { code: ACCESS_REFUSED, message, .. } if message.contains("exclusive use"))
}

/// The error as text. None of the errors that occur here contains a URL or a password.
pub(super) fn cause(error: &Amqp) -> String {
    match error {
        Amqp::ServerClosedConnection { message, .. } => format!("the broker closed it: {message}"),
        Amqp::MissedServerHeartbeats => "the broker sent nothing for two heartbeats".to_owned(),
        Amqp::IoErrorReadingSocket { source } | Amqp::IoErrorWritingSocket { source } => source.to_string(),
        Amqp::UnexpectedSocketClose => "the broker closed the socket without giving a reason".to_owned(),
        other => other.to_string(),
    }
}

/// Ranks errors by how well they explain the cause, to choose among those of several connections.
pub(super) fn specificity(error: &Amqp) -> u8 {
    match error {
        Amqp::ServerClosedConnection { .. } => 3,
        Amqp::MissedServerHeartbeats => 2,
        Amqp::IoErrorReadingSocket { .. } | Amqp::IoErrorWritingSocket { .. } => 1,
        _ => 0,
    }
}
