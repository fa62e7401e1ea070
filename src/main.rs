//! The C1 echo component of VALAWAI.
//!
//! This file and `echo.rs` are all that is particular to it. Everything else is the library `valawai`.

mod echo;

use std::process::ExitCode;

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("../asyncapi.yaml")
        .on("data/received_message")
        .task("echo")
        .reply("data/publish_message", echo::echo)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        super::component().check().map(drop).unwrap();
    }
}
