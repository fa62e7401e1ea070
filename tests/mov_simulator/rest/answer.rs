//! The forms in which the REST interface answers.

use std::io::Cursor;

use tiny_http::{Header, Response};

use crate::json::{Json, Members};

pub(super) struct Answer {
    status: u16,
    content: Content,
}

enum Content {
    Nothing,
    Json(Json),
    Html(&'static str),
}

impl Answer {
    pub(super) fn json(status: u16, body: Json) -> Self {
        Self { status, content: Content::Json(body) }
    }

    /// Only a status: done, unknown, or a parameter that is not even of the right type.
    pub(super) fn bare(status: u16) -> Self {
        Self { status, content: Content::Nothing }
    }

    /// A path that leads nowhere.
    pub(super) fn no_route() -> Self {
        Self { status: 404, content: Content::Html("<!doctype html><title>Resource not found</title>") }
    }

    /// A value that is not allowed.
    pub(super) fn violation(reason: &str) -> Self {
        let violation = Members::new().text("field", reason.split('`').nth(1).unwrap_or("?")).text("message", reason);
        let problem = Members::new().text("title", "Constraint Violation").number("status", 400);
        Self::json(400, problem.list("violations", [violation.object()]).object())
    }

    pub(super) fn into_response(self) -> Response<Cursor<Vec<u8>>> {
        let (kind, body) = match self.content {
            Content::Nothing => return Response::from_data(Vec::new()).with_status_code(self.status),
            Content::Json(body) => ("application/json;charset=UTF-8", body.to_string()),
            Content::Html(page) => ("text/html;charset=utf-8", page.to_owned()),
        };
        let kind = Header::from_bytes("Content-Type", kind).expect("a header");
        Response::from_data(body).with_status_code(self.status).with_header(kind)
    }
}
