//! Names that are valid, and names that are not.

use super::*;

#[test]
fn a_channel_name_is_split_into_its_parts() {
    let name: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
    assert_eq!(name.level(), Level::C1);
    assert_eq!(name.component(), "echo");
    assert_eq!(name.kind(), Kind::Data);
    assert_eq!(name.short(), "data/received_message");
    assert_eq!(name.operation(), "received_message");
}

#[test]
fn names_that_the_mov_does_not_accept_are_rejected() {
    for text in [
        "",
        "valawai/c1/echo/data",
        "valawai/c3/echo/data/x",
        "valawai/C1/echo/data/x",
        "valawai/c1/ec-ho/data/x",
        "valawai/c1//data/x",
        "valawai/c1/echo/other/x",
        "valawai/c1/echo/data/x/y",
        "valawai/c1/echo/data/x.y",
    ] {
        assert!(text.parse::<ChannelName>().is_err(), "{text:?} was parsed as a channel name");
    }
    let long = format!("valawai/c1/{}/data/x", "e".repeat(250));
    assert!(long.parse::<ChannelName>().is_err(), "a name that is too long for AMQP was parsed");
}

#[test]
fn an_identifier_is_24_hexadecimal_digits_in_lower_case() {
    let id: Id = "65A0B1C2D3E4F5061728394A".parse().unwrap();
    assert_eq!(id.as_str(), "65a0b1c2d3e4f5061728394a");
    for text in ["", "65a0", "65a0b1c2d3e4f5061728394g", "65a0b1c2d3e4f5061728394a0"] {
        assert!(text.parse::<Id>().is_err(), "{text:?} was parsed as an identifier");
    }
}
