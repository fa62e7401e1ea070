//! Messages as people and other programs see them.

mod activity;
mod body;
mod filter;
mod recording;
mod view;
mod waiting;
mod windows;

pub(super) use self::activity::{Activity, QUIET};
pub(super) use self::body::{Body, CBOR, to_cbor};
pub(super) use self::filter::{Filter, HELP as FILTER_HELP};
pub(super) use self::recording::Recorded;
pub(super) use self::view::{Shown, cut, print};
pub(super) use self::waiting::Waiting;
pub(super) use self::windows::Windows;
