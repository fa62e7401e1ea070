//! A library for components of [VALAWAI](https://valawai.eu).
//!
//! VALAWAI is a research platform for value-aware software. Components of three levels (C0 senses and acts, C1 reasons, C2
//! watches the values) exchange JSON messages over RabbitMQ. The Master Of VALAWAI (MOV) registers them and connects their
//! channels.
//!
//! A component consists of its contract, `asyncapi.yaml`, and a handler for each channel:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use valawai::{Component, Context, Failure};
//!
//! # const ASYNCAPI: &str = "
//! # channels:
//! #   valawai/c1/echo/control/registered: { subscribe: { message: { payload: { properties: {
//! #     id: &text { type: string }, name: *text, description: *text, version: *text, api_version: *text, type: *text,
//! #     since: *text, channels: *text } } } } }
//! #   valawai/c1/echo/data/received_message: { subscribe: { message: { payload: { properties: { content: *text } } } } }
//! #   valawai/c1/echo/data/publish_message: { publish: { message: { payload: { properties: { content: *text } } } } }
//! # ";
//! #[derive(Deserialize, Serialize)]
//! struct Echo {
//!     content: String,
//! }
//!
//! fn echo(message: Echo, context: &Context) -> Result<Echo, Failure> {
//!     context.log().info("Received a message to echo", &message);
//!     Ok(message)
//! }
//!
//! // With `asyncapi.yaml` in a file: valawai::component!("../asyncapi.yaml").on(…)
//! let component =
//!     Component::new("1.0.0", ASYNCAPI).on("data/received_message").reply("data/publish_message", echo);
//! component.check()?;
//! # Ok::<(), valawai::ContractErrors>(())
//! ```
//!
//! `fn main() -> ExitCode { valawai::main(&component) }` runs it. The library registers the component at the MOV, delivers
//! messages at least once, retries failed ones, reconnects after outages, reports the health and stops in time.
//! [`Component`] describes what can be declared, [`Context`] what handlers can do, and [`TestContext`] how they are tested
//! without a broker.
//!
//! # Layout
//!
//! A module uses only modules of its own row and of the rows below.
//!
//! | modules | contents |
//! |---|---|
//! | `commands` | the command line, with one file for each command |
//! | `testing` | runs whole components without a broker |
//! | `process` | the life of the process: connect, run a session, reconnect, stop |
//! | `configuration` | the settings while the component runs: what files, stores and operators change |
//! | `settings` | reads the settings; the only module that knows their names |
//! | `telemetry` | serves metrics and the health over HTTP |
//! | `service` | answers operators |
//! | `publisher` | publishes what sources produce |
//! | `consumer` | the loop of a consumer: route, publish, settle, retry |
//! | `component` | what authors use: builder, contract check, context, test context |
//! | `mov`, `store` | registration at the MOV, its log, its REST interface; key-value stores that hold settings |
//! | `broker`, `health`, `logs` | sessions with RabbitMQ (`amqp`) or in memory (`memory`); the health file; the component's own log |
//! | `tls` | certificates, and why they are refused |
//! | `operations` | counters, pauses and copies of messages, for operators |
//! | `routes`, `message`, `trace`, `asyncapi`, `payload`, `name`, `failure`, `secret`, `shutdown`, `escaped`, `clock`, `hex`, `ids`, `sequence_window`, `threads`, `simulation` | values |
//!
//! Where to look first:
//! - The outcome of a message: `Router::decide` in `consumer/router.rs` decides it, `ConsumerLoop::carry_out` in
//!   `consumer/consumer_loop.rs` carries it out.
//! - When a delivery is acknowledged: `InFlight::confirm` in `consumer/in_flight/mod.rs`.
//! - When the component registers: `mov/registration/`.
//! - What a changed setting does: `Configuration::take_over` in `configuration/mod.rs` reads it, `Changes::apply` in
//!   `process/changes.rs` carries it out.
//! - Start, reconnect and stop: `App::run` in `process/app.rs`, `RunningSession::run` in `process/session.rs`, and `stop` in
//!   `process/stopping.rs`.
//! - How the limits of amiquip are handled: `broker/amqp/`, the only module that uses it.
//!
//! # Vocabulary
//!
//! - A **channel** is a RabbitMQ queue named `valawai/c1/<component>/<control|data>/<operation>`. Channels of AMQP are
//!   called so in `broker/amqp` only.
//! - In `asyncapi.yaml`, the component **consumes** channels with `subscribe` and **publishes** on channels with `publish`.
//!   That is the convention of the MOV, and the opposite of the standard.
//! - A **session** is one life of the connections to the broker. A **link** is what one thread has of it.
//! - A message is **in flight** from its delivery until it is settled, and from its publishing until it is confirmed.
//! - The **registrar** is the process that registers the component; its other processes, the **replicas**, wait to take over.
//!
//! # Threads
//!
//! Calls of amiquip block and its channels cannot be shared, so each thread owns its state:
//! - **main** owns the session. It starts the other threads, and waits for a signal or for the first of them to end.
//! - **consumer-0**, **consumer-1** and so on (`WORKERS`) consume data channels, **control** consumes control channels.
//! - **registrar** keeps the component registered and the health file correct.
//! - **service** answers operators.
//! - **mov-log** publishes log entries to the MOV. They wait in a bounded queue, so that handlers never block.
//! - **data-…** and **control-…** consume one channel each, one with a state or with `workers` of its own.
//! - **route-…** runs one consumer or producer from configuration, in sessions of its own.
//! - **publisher-0** and so on publish what sources produce. Each source has a thread of its own, **source-…**, which outlives
//!   sessions; a shutdown waits for it for a second.
//! - **settings** takes over what the key-value store holds, for which **store-0** and so on wait, one for each prefix;
//!   **settings-file** looks at the configuration file. Without a store and a file there are none.
//! - **telemetry** accepts the connections to `METRICS_ADDRESS`, and **telemetry-…** answers one of them. Without the setting there are
//!   none.
//! - **on-change** calls what the author wants to be called when settings change.
//! - **watchdog** closes the socket of an AMQP call that exceeds its deadline.
//! - amiquip has one thread for each connection: one connection for publishing, one for each consumer, so that a slow handler
//!   delays no other thread, and one that all other threads share.

mod asyncapi;
mod broker;
mod clock;
mod commands;
mod component;
mod configuration;
mod consumer;
mod escaped;
mod failure;
mod health;
mod hex;
mod ids;
mod logs;
mod message;
mod mov;
mod name;
mod operations;
mod payload;
mod process;
mod publisher;
mod routes;
mod secret;
mod sequence_window;
mod service;
mod settings;
mod shutdown;
mod simulation;
mod store;
mod telemetry;
pub mod testing;
mod threads;
mod tls;
mod trace;

pub use commands::{main, operate};
pub use component::{
    ChannelBuilder, Component, Context, ContractErrors, Log, Mov, Output, Participant, PeriodBuilder, Publisher,
    RouteOutput, SentMessage, StatefulChannelBuilder, TestContext,
};
pub use failure::{Failure, OrFail};
pub use message::{Message, Properties, Reply};
pub use name::Id;
pub use payload::{Text, de};
pub use shutdown::Shutdown;
pub use trace::{InvalidTrace, Trace};

/// For the tests of the kit and the fuzz targets. Not part of the API: it changes without notice.
#[cfg(any(feature = "internals", fuzzing))]
#[doc(hidden)]
#[allow(missing_docs, reason = "it is not for users")]
pub mod internals {
    pub mod asyncapi {
        pub use crate::asyncapi::*;
    }
    pub mod broker {
        pub use crate::broker::*;
    }
    pub mod clock {
        pub use crate::clock::*;
    }
    pub mod component {
        pub use crate::component::*;
    }
    pub mod configuration {
        pub use crate::configuration::*;
    }
    pub mod consumer {
        pub use crate::consumer::*;
    }
    pub mod health {
        pub use crate::health::*;
    }
    pub mod message {
        pub use crate::message::*;
    }
    pub mod mov {
        pub use crate::mov::*;
    }
    pub mod name {
        pub use crate::name::*;
    }
    pub mod operations {
        pub use crate::operations::*;
    }
    pub mod payload {
        pub use crate::payload::*;
    }
    pub mod process {
        pub use crate::process::*;
    }
    pub mod routes {
        pub use crate::routes::*;
    }
    pub mod secret {
        pub use crate::secret::*;
    }
    pub mod service {
        pub use crate::service::*;
    }
    pub mod settings {
        pub use crate::settings::*;
    }
    pub mod shutdown {
        pub use crate::shutdown::*;
    }
    pub mod simulation {
        pub use crate::simulation::*;
    }
    pub mod store {
        pub use crate::store::*;
    }
    pub mod tls {
        pub use crate::tls::*;
    }
    pub mod telemetry {
        pub use crate::telemetry::*;
    }
    pub mod threads {
        pub use crate::threads::*;
    }
}

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
