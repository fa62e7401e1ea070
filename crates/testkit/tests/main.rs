//! Tests of the test kit: a fault in it would look like a fault of what it tests.

mod node;
mod processes;
