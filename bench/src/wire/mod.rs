//! The part of AMQP 0-9-1 that the benchmark needs, for clients and for the stub broker.
//!
//! It is written for speed: the ceiling and the load generator use it, and must not be slower than any contestant.

mod client;
mod encode;
mod frame;
mod method;
mod read_buffer;
mod write_buffer;

pub use client::{Address, Client};
pub use encode::PutString;
pub use frame::{Arguments, Frame, FrameKind};
pub use method::Method;
pub use read_buffer::ReadBuffer;
pub use write_buffer::WriteBuffer;

/// What every AMQP 0-9-1 client sends first.
pub const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// The largest frame that clients ask for and RabbitMQ grants by default.
pub const MAX_FRAME_SIZE: u32 = 128 * 1024;
