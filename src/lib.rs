//! x
pub mod app;
pub mod asyncapi;
pub mod broker;
pub mod cli;
pub mod component;
pub mod context;
pub mod failure;
pub mod handler;
pub mod health;
pub mod ids;
pub mod logs;
pub mod message;
pub mod mov;
pub mod name;
pub mod payload;
pub mod router;
pub mod secret;
pub mod settings;
mod speaker;
pub mod worker;

pub use cli::main;
pub use component::Component;
pub use context::{Context, Trial};
pub use failure::Failure;
pub use handler::{Heard, Said};
