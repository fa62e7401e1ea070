//! The MOV's rules: which names, payloads and API descriptions it accepts, and which channels it connects.

pub(crate) mod asyncapi;
pub(crate) mod fields;
pub(crate) mod matching;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod pattern;
pub(crate) mod schema;
