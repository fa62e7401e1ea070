//! The message of the echo component, and what it does with it.

use serde::{Deserialize, Serialize};
use valawai::payload::{self, Text};
use valawai::{Context, Failure, Heard, Said};

/// What is heard, and said back.
#[derive(Debug, Deserialize, Serialize)]
struct Echo<'e> {
    #[serde(borrow, deserialize_with = "payload::non_empty")]
    content: Text<'e>,
}

/// Says back the content of what is heard.
pub(crate) fn say_back(heard: &Heard<'_>, context: &Context<'_>) -> Result<Said, Failure> {
    let echo: Echo<'_> = heard.read()?;
    context.log().info("Received a message to echo", heard);
    context.log_once_sent().info("Sent Echoed message", &echo);
    Said::json(&echo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use valawai::Trial;

    #[test]
    fn the_content_is_said_back_and_nothing_else() {
        let trial = Trial::default();
        let said = say_back(&Heard::from(r#"{ "content": "hello", "mood": "fine" }"#), &trial.context()).unwrap();
        assert_eq!(said.body(), br#"{"content":"hello"}"#);
    }

    #[test]
    fn the_log_tells_what_came_and_once_it_is_sent_what_went() {
        let trial = Trial::default();
        let context = trial.context();
        say_back(&Heard::from(r#"{ "content": "hello", "mood": "fine" }"#), &context).unwrap();
        let came = &trial.logged()[0];
        assert_eq!(came.message, "Received a message to echo");
        assert_eq!(came.payload.as_deref(), Some(r#"{ "content": "hello", "mood": "fine" }"#));
        let went = &context.logged_once_sent()[0];
        assert_eq!(went.message, "Sent Echoed message");
        assert_eq!(went.payload.as_deref(), Some(r#"{"content":"hello"}"#));
    }

    #[test]
    fn a_message_without_content_is_refused() {
        for body in ["{}", r#"{"content": ""}"#, r#"{"content": 5}"#, r#"{"content": null}"#, r#"["hello"]"#, "hello"] {
            let said = say_back(&Heard::from(body), &Trial::default().context());
            assert!(matches!(said, Err(Failure::Refuse(_))), "{body} was answered with {said:?}");
        }
    }
}
