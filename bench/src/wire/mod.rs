//! The little of AMQP 0-9-1 that a benchmark needs, for both ends of a connection and by hand: nothing may be quicker.

mod client;
mod inbox;
mod method;
mod outbox;

pub use client::{Address, Client};
pub use inbox::{Arguments, Frame, Inbox};
pub use method::Method;
pub use outbox::{Outbox, PutExt};

/// What everybody asks for, and a broker grants: the largest frame, with its header and its end.
pub const LARGEST_FRAME: u32 = 128 * 1024;

/// The bytes of a frame around its payload.
pub const AROUND_PAYLOAD: usize = 8;

/// The kind of a frame that holds a method.
pub const METHOD: u8 = 1;

/// The kind of a frame that holds a message's header.
pub const HEADER: u8 = 2;

/// The kind of a frame that holds a part of a message's body.
pub const BODY: u8 = 3;

/// The kind of a frame that says "I am alive".
pub const HEARTBEAT: u8 = 8;

/// The last byte of each frame.
pub const FRAME_END: u8 = 0xCE;
