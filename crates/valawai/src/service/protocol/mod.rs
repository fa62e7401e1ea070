//! What operators ask, and what processes answer: JSON with a `type` that includes the version.
//!
//! Requests are published to the exchange `valawai.service` with one of the keys `<verb>`, `<verb>.<component>` and
//! `<verb>.<component>.<instance>`. Each process that it reaches answers to `reply_to`, with the `correlation_id` of the request.

mod answers;
mod requests;

pub use self::answers::{Answer, ChannelInfo, Content, Copied, Info, Setting, Stats};
pub use self::requests::{MAX_REQUEST, Request, VERBS};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_have_a_type_with_a_version() {
        let request = serde_json::to_string(&Request::Ping {}).unwrap();
        assert_eq!(request, r#"{"type":"valawai.service.v1.ping"}"#);
        let pong = Answer {
            component: "c1_echo".into(),
            instance: "a".into(),
            version: "1.0.0".into(),
            content: Content::Pong {},
        };
        let text = serde_json::to_string(&pong).unwrap();
        assert_eq!(
            text,
            r#"{"component":"c1_echo","instance":"a","version":"1.0.0","type":"valawai.service.v1.pong"}"#
        );
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), pong);
    }

    #[test]
    fn a_request_may_have_more_fields_than_are_known() {
        let request = r#"{"type":"valawai.service.v1.pause","channel":"data/a","because":"of a new field"}"#;
        let expected = Request::Pause { channel: Some("data/a".into()), seconds: None };
        assert_eq!(serde_json::from_str::<Request>(request).unwrap(), expected);
    }
}
