//! What `fuzz/` reaches of what is private; there is no such module in any other build.

pub use crate::broker::amqp::fuzzing::*;
