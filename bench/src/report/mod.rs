//! What was found, and how it is shown.

mod json;
mod picture;
mod results;
mod table;
mod unit;

pub(crate) use json::json;
pub(crate) use picture::picture;
pub(crate) use results::{Results, Row};
pub(crate) use table::table;
pub(crate) use unit::{Unit, megabytes};
