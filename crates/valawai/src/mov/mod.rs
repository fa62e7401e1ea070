//! The Master Of VALAWAI (MOV): registering with it, its log, and its REST interface.

pub mod component_info;
pub mod identity;
pub mod log;
pub mod notice;
pub mod payloads;
pub mod registration;
pub mod rest;
