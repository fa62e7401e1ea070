//! The kit for components of [VALAWAI](https://valawai.eu): everything that the C1 echo component is made of, and any
//! other component in Rust can be.
//!
//! VALAWAI is a platform of value-aware software. Components of three levels (C0 senses and acts, C1 reasons, C2 watches
//! the values) talk JSON over RabbitMQ. The Master Of VALAWAI, the MOV, keeps who is there, and wires their channels.
//!
//! A component is declared on top of its `asyncapi.yaml`, and its handlers are plain functions:
//!
//! ```no_run
//! use valawai::{Component, Context, Failure, Heard, Said};
//!
//! fn say_back(heard: &Heard<'_>, _context: &Context<'_>) -> Result<Said, Failure> {
//!     let message: serde_json::Value = heard.read()?;
//!     Said::json(&message)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     # const ASYNCAPI: &str = "";
//!     let echo = Component::new("1.0.0", ASYNCAPI)
//!         .on("data/received_message")
//!         .answer("data/publish_message", say_back);
//!     valawai::main(&echo)
//! }
//! ```
//!
//! Whoever does so gets a component that registers, never loses a message, survives every outage, and stops in time.
//!
//! # Layout
//!
//! A module uses only what stands below it; `tests/layers.rs` holds that.
//!
//! | layer | modules |
//! |---|---|
//! | 6 command line | [`cli`], one verb a file, and `main.rs` with `echo.rs` above the library |
//! | 5 process | [`app`]: connect, serve, reconnect, stop |
//! | 4 the component | [`worker`] (the loop) and `periodic_publisher` → [`router`] (the outcome of one delivery) → [`retry`], [`faults`] → [`component`] → [`handler`] → [`context`] → [`exchange`] |
//! | 3 services | [`mov`] (registration, log), [`settings`] |
//! | 2 outside world | [`broker`] with its two implementations, [`health`], `instance`, [`status`], [`logs`] |
//! | 1 vocabulary | [`message`], [`asyncapi`] |
//! | 0 values | [`name`], [`failure`], [`payload`], [`secret`], `ids` |
//!
//! Where to look first:
//! - *What becomes of a message?* [`router::Router::decide`] decides, [`worker`] carries it out.
//! - *What may be acknowledged when?* `worker/book.rs`, the confirm book.
//! - *When is the component registered?* `mov/registration/state.rs` decides, [`mov::registration`] carries it out.
//! - *What happens when the broker goes away, or a signal comes?* [`app`], and for one session `app/shift.rs`.
//! - *How is amiquip kept from hanging or losing anything?* [`broker::amqp`]; nothing else names it.
//!
//! # Words
//!
//! - A **channel** is VALAWAI's: a RabbitMQ queue, `valawai/c1/<component>/<control|data>/<operation>`. AMQP's channels
//!   are called so in [`broker::amqp`] alone.
//! - A component **hears** messages and **says** answers. The MOV's convention for `asyncapi.yaml` is the opposite of the
//!   official one: `subscribe` is what it hears, `publish` what it says.
//! - A **session** is one life of the connection to the broker, and a **link** is what one thread has of it.
//!
//! # Threads
//!
//! State is owned, not locked, because amiquip blocks and its channels cannot be shared:
//! - **main** owns the session: it starts the others, and waits for a signal or for the first of them to end.
//! - **worker** (as many as `WORKERS`) hears data, answers, and settles; **control** is the same loop for control channels.
//! - **registrar** keeps the component registered, and its health file true.
//! - **mov-log** sends what handlers log to the MOV; a bounded queue before it never blocks them.
//! - **periodic_publisher**, one for each source of a component that says something of itself, and **source**, on which the author's
//!   function runs; that one outlives sessions, and no stop waits for it.
//! - **watchdog** cuts the line when a call on it outlives its limit. Others belong to amiquip, one for each connection: one to
//!   publish, one for control and questions, and one for each worker, so that a slow handler holds up nobody else.

mod asyncapi;
mod broker;
mod commands;
mod component;
mod consumer;
mod failure;
mod health;
mod ids;
mod logs;
mod message;
mod mov;
mod name;
mod payload;
mod process;
mod publisher;
mod secret;
mod settings;
pub mod shutdown;

pub use commands::main;
pub use component::{Component, Context, ContractErrors, Log, Output, TestContext};
pub use failure::{Failure, OrFail};
pub use message::{Message, Properties, Reply};
pub use payload::{Text, de};

/// What the tests of the kit and the fuzz targets reach. Not part of the API: it changes without notice.
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
    pub mod component {
        pub use crate::component::*;
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
    pub mod payload {
        pub use crate::payload::*;
    }
    pub mod process {
        pub use crate::process::*;
    }
    pub mod secret {
        pub use crate::secret::*;
    }
    pub mod settings {
        pub use crate::settings::*;
    }
    pub mod shutdown {
        pub use crate::shutdown::*;
    }
}

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
