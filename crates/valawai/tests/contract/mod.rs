//! The contract that every broker fulfils: the same tests for the memory broker and for RabbitMQ. The crate `simulation` runs them
//! with its broker.

mod rabbitmq_only;
pub(crate) mod suite;

use std::sync::atomic::{AtomicU64, Ordering};

use valawai::internals::broker::memory::MemoryBroker;
use valawai::internals::broker::{Session, amqp};
use valawai::internals::secret::Secret;

pub(crate) use self::suite::with_link;
use self::suite::{
    Broker, DEDICATED, LIMIT, MISSING_QUEUE, QUEUE, assert_no_event, each_test, next_delivery, spawn,
    wait_for_last_confirm,
};
use testkit::Vhost;

impl Broker for MemoryBroker {
    fn connect(&self) -> Box<dyn Session> {
        Box::new(self.connect().expect("a session with the memory broker"))
    }
}

impl Broker for Vhost {
    fn connect(&self) -> Box<dyn Session> {
        static SESSIONS: AtomicU64 = AtomicU64::new(1);
        let options = amqp::Options {
            hosts: vec![amqp::Host { name: self.host.clone(), port: self.port }],
            username: self.username.clone(),
            password: Secret::new(&self.password),
            vhost: self.name.clone(),
            heartbeat: 10,
            client: "contract test".into(),
        };
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        Box::new(amqp::connect(&options, number).expect("a session with RabbitMQ"))
    }
}

macro_rules! every_broker {
    ($($file:ident: $($name:ident),*;)*) => {
        mod memory {
            $($(#[test] fn $name() { super::suite::$file::$name(&valawai::internals::broker::memory::MemoryBroker::default()) })*)*
        }
        mod rabbitmq {
            $($(#[test] fn $name() { super::suite::$file::$name(&testkit::Node::shared().vhost()) })*)*
        }
    };
}

each_test!(every_broker);
