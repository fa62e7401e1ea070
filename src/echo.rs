//! The message of the echo component, and its handler.

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure, Text};

/// What is consumed, and published.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Echo {
    #[serde(deserialize_with = "valawai::de::non_empty")]
    content: Text,
}

/// Replies with the content of the message.
pub(crate) fn echo(message: Echo, context: &Context) -> Result<Echo, Failure> {
    context.log().info("Received a message to echo", context.message());
    context.log_on_confirm().info("Sent Echoed message", &message);
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use valawai::TestContext;

    #[test]
    fn the_reply_has_the_content_and_nothing_else() {
        let context = TestContext::new(r#"{ "content": "hello", "mood": "fine" }"#);
        let reply = echo(context.message().read().unwrap(), &context).unwrap();
        assert_eq!(serde_json::to_string(&reply).unwrap(), r#"{"content":"hello"}"#);
        assert_eq!(context.logged()[0].payload.as_deref(), Some(r#"{ "content": "hello", "mood": "fine" }"#));
        assert_eq!(context.logged_on_confirm()[0].payload.as_deref(), Some(r#"{"content":"hello"}"#));
    }

    #[test]
    fn a_message_without_content_is_refused() {
        for body in ["{}", r#"{"content": ""}"#, r#"{"content": 5}"#, r#"{"content": null}"#, r#"["hello"]"#, "hello"] {
            let message = TestContext::new(body).message().read::<Echo>();
            assert!(matches!(message, Err(Failure::Refuse(_))), "{body} was read as {message:?}");
        }
    }
}
