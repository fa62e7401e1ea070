//! The responses of the REST interface.

use std::io::Cursor;

use serde::Serialize;
use tiny_http::Header;

use crate::json::ObjectBuilder;

pub(super) struct Response {
    status: u16,
    content: Content,
}

enum Content {
    Empty,
    Json(String),
    Html(&'static str),
}

impl Response {
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("all responses have string keys");
        Self { status, content: Content::Json(body) }
    }

    /// Only a status: accepted, unknown, or a parameter of the wrong type.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, content: Content::Empty }
    }

    pub(super) fn no_route() -> Self {
        Self { status: 404, content: Content::Html("<!doctype html><title>Resource not found</title>") }
    }

    /// A parameter or a field of the body that violates a constraint.
    pub(super) fn violation(field: &str, message: &str) -> Self {
        let violation = ObjectBuilder::new().string("field", field).string("message", message).build();
        let problem = ObjectBuilder::new()
            .string("title", "Constraint Violation")
            .number("status", 400)
            .array("violations", [violation])
            .build();
        Self::json(400, &problem)
    }

    pub(super) fn into_http(self) -> tiny_http::Response<Cursor<Vec<u8>>> {
        let (content_type, body) = match self.content {
            Content::Empty => return tiny_http::Response::from_data(Vec::new()).with_status_code(self.status),
            Content::Json(body) => ("application/json;charset=UTF-8", body),
            Content::Html(page) => ("text/html;charset=utf-8", page.to_owned()),
        };
        let content_type = Header::from_bytes("Content-Type", content_type).expect("a valid header");
        tiny_http::Response::from_data(body).with_status_code(self.status).with_header(content_type)
    }
}
