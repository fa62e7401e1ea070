//! What failed, and what to do about it.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::{Names, Options};

/// Why a connection failed, with the remedy.
#[must_use]
pub fn explain(error: &Error, names: &Names) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error, names),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            "the server answered without TLS; check that the port is the one with TLS, or connect without TLS"
                .to_owned()
        }
        Error::AlertReceived(alert) => refusal(*alert, names),
        Error::InconsistentKeys(_) => format!("the private key that belongs to the certificate in {}", names.cert),
        Error::PeerIncompatible(_) => "the server offers neither TLS 1.2 nor TLS 1.3 with a common cipher".to_owned(),
        other => other.to_string(),
    }
}

/// Why a handshake, or what followed it, failed, if the reason may be TLS.
#[must_use]
pub fn failure(error: &io::Error, options: &Options) -> Option<String> {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return Some(explain(tls, options.names));
    }
    let cert_file = options.names.cert;
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => {
            let identity = match &options.identity {
                None => format!("requires a client certificate ({cert_file})"),
                Some(_) => format!("accepts the client certificate in {cert_file}"),
            };
            Some(format!(
                "the server closed the connection ({error}); check that the port is the one with TLS, and whether it {identity}"
            ))
        }
        _ => None,
    }
}

/// The certificate of the server is not accepted.
fn certificate(error: &CertificateError, names: &Names) -> String {
    let ca_file = names.ca;
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the server's certificate has expired{}; renew it, or correct the clock", times(error))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the server's certificate is not valid yet{}; correct the clock", times(error))
        }
        CertificateError::UnknownIssuer => {
            format!("the authority of the server's certificate is not trusted; add its certificate to {ca_file}")
        }
        CertificateError::NotValidForName => "the server's certificate is for another name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if presented.is_empty() { "no name".to_owned() } else { presented.join(", ") };
            format!(
                "the server's certificate is not for {} but for {names}; connect to a name in the certificate, or add \
                 this name to its subjectAltName",
                expected.to_str()
            )
        }
        CertificateError::BadSignature | CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            format!("the signature of the server's certificate cannot be verified; check {ca_file}")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not one of a server; it needs the extended key usage serverAuth".to_owned()
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => format!(
            "the server uses the certificate of an authority itself; create one for the server (basicConstraints CA:FALSE), \
             and have {ca_file} name the authority's"
        ),
        other => format!("the server's certificate is not accepted: {other}"),
    }
}

/// A name as in `DnsName("mq")` without what is around it.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn times(error: &CertificateError) -> String {
    let ago = match error {
        CertificateError::ExpiredContext { time, not_after } => time.as_secs().saturating_sub(not_after.as_secs()),
        CertificateError::NotValidYetContext { time, not_before } => {
            not_before.as_secs().saturating_sub(time.as_secs())
        }
        _ => return String::new(),
    };
    let hours = ago.div_ceil(3600);
    let amount = if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) };
    match error {
        CertificateError::ExpiredContext { .. } => format!(" ({amount} ago)"),
        _ => format!(" (for {amount})"),
    }
}

/// The server ended the connection with an alert.
fn refusal(alert: AlertDescription, names: &Names) -> String {
    let Names { cert: cert_file, key: key_file, .. } = names;
    match alert {
        AlertDescription::CertificateRequired => {
            format!("the server requires a client certificate; set {cert_file} and {key_file}")
        }
        AlertDescription::UnknownCA => {
            format!("the server does not trust the authority of the client certificate in {cert_file}")
        }
        AlertDescription::CertificateExpired => format!("the client certificate in {cert_file} has expired; renew it"),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => {
            format!("the server does not accept the client certificate in {cert_file} ({alert:?}); its log says why")
        }
        // Before TLS 1.3, this is also how a server asks for the missing certificate.
        AlertDescription::HandshakeFailure => format!(
            "the server refused the handshake; it may require a client certificate ({cert_file} and {key_file}), or support \
             none of the ciphers of TLS 1.2 and 1.3"
        ),
        AlertDescription::ProtocolVersion => "the server offers neither TLS 1.2 nor TLS 1.3".to_owned(),
        other => format!("the server ended the connection with the alert {other:?}; its log says why"),
    }
}
