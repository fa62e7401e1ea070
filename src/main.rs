//! The C1 echo component of VALAWAI: says back what it hears.
//!
//! This file and `echo.rs` are all that is particular to it. Everything else is the library `valawai`.

mod echo;

use std::process::ExitCode;

use valawai::Component;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const ASYNCAPI: &str = include_str!("../asyncapi.yaml");

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> Component {
    Component::new(VERSION, ASYNCAPI)
        .on("data/received_message")
        .task("echo")
        .answer("data/publish_message", echo::say_back)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_component_fits_its_asyncapi_yaml() {
        super::component().check().map(drop).unwrap();
    }
}
