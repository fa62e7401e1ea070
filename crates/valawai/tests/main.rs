//! Tests of the kit: the contract suite of its brokers, and whole components, in memory and on RabbitMQ.

mod asyncapi;
mod configuration_table;
mod contract;
mod kit;
mod layers;
mod levels;
mod operator;
mod periodic;
mod running_app;
mod running_component;
mod store;
mod telemetry_table;
