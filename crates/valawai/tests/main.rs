//! Tests of the kit: the contract suite of its brokers, and whole components on the in-memory broker.

mod asyncapi;
mod contract;
mod kit;
mod layers;
mod levels;
mod operator;
mod periodic;
mod running_component;
