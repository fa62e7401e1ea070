//! The tools of the tests, tested: a fault here would look like a fault of the component.

mod asyncapi_rules;
mod broker;
mod components;
mod forwarding;
mod notifications;
mod outages;
mod poison;
mod processes;
mod registration;
mod rest;
mod wire;
