//! The broker of a route.

use crate::broker::amqp;
use crate::routes::RouteBroker;

/// How to connect to `broker`; what it does not have is as for the broker of the component.
pub(super) fn options(own: &amqp::Options, broker: &RouteBroker) -> amqp::Options {
    let RouteBroker { host, port, auth, vhost, is_encrypted } = broker;
    let mut options = own.clone();
    options.is_encrypted = is_encrypted.unwrap_or(own.is_encrypted);
    options.external &= options.is_encrypted && auth.is_none();
    if let Some(host) = host {
        let port = port.unwrap_or(amqp::default_port(options.is_encrypted));
        options.hosts = vec![amqp::Host { name: host.clone(), port }];
    } else if let Some(port) = port {
        options.hosts.iter_mut().for_each(|host| host.port = *port);
    }
    if let Some((user, password)) = auth {
        (options.username, options.password) = (user.clone(), password.clone());
    }
    if let Some(vhost) = vhost {
        options.vhost.clone_from(vhost);
    }
    options
}

/// Whether both lead to the same queues with the same permissions.
pub(super) fn is_same(one: &amqp::Options, other: &amqp::Options) -> bool {
    let parts = |it: &amqp::Options| {
        (it.hosts.clone(), it.username.clone(), it.password.clone(), it.vhost.clone(), it.is_encrypted, it.external)
    };
    parts(one) == parts(other)
}
