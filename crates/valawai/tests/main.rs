//! The kit from the outside: the contract of its brokers, and whole components on the in-memory broker.

mod contract;
mod kit;
mod periodic;
