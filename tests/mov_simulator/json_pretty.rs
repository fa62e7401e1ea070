//! JSON as the MOV writes it for people, in its log: `"name" : value`, lists in one line.

use std::fmt::{self, Display, Formatter};

use super::json::Json;

pub(crate) struct Pretty<'a>(pub(crate) &'a Json);

impl Display for Pretty<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write(self.0, 0, out)
    }
}

fn write(json: &Json, depth: usize, out: &mut Formatter<'_>) -> fmt::Result {
    match json {
        Json::Object(members) if members.is_empty() => out.write_str("{ }"),
        Json::Array(items) if items.is_empty() => out.write_str("[ ]"),
        Json::Object(members) => {
            let mut before = "{";
            for (name, value) in members {
                write!(out, "{before}\n{:indent$}{} : ", "", Json::text(name), indent = 2 * (depth + 1))?;
                write(value, depth + 1, out)?;
                before = ",";
            }
            write!(out, "\n{:indent$}}}", "", indent = 2 * depth)
        }
        Json::Array(items) => {
            let mut before = "[ ";
            for item in items {
                out.write_str(before)?;
                write(item, depth, out)?;
                before = ", ";
            }
            out.write_str(" ]")
        }
        other => write!(out, "{other}"),
    }
}
