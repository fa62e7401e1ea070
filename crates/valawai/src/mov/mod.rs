//! The Master Of VALAWAI: what a component tells it, and what it is told.

pub mod component_info;
pub mod identity;
pub mod log;
pub mod notice;
pub mod payloads;
pub mod registration;
pub mod rest;
