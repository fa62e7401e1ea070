//! The tools of the tests, tested: a fault here would look like a fault of the component.

mod broker;
mod processes;
