//! Key-value stores that the tests start: etcd and Consul.

mod consul;
mod etcd;
mod http;
pub(crate) mod server;

pub use consul::Consul;
pub use etcd::Etcd;
