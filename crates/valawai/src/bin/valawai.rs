//! The operators' commands for any component on the broker, in whatever language it is written.

use std::process::ExitCode;

fn main() -> ExitCode {
    valawai::operate()
}
