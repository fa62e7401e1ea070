//! What a dead letter tells about itself, in its headers.

use serde::Serialize;
use serde_json::Value;

use crate::broker::ATTEMPTS;
use crate::broker::amqp::operator::MessageProperties;

/// The headers that this library adds to a dead letter, with [`ATTEMPTS`].
const ORIGIN: &str = "x-original-queue";
const ERROR: &str = "x-error";
const FAILED_AT: &str = "x-failed-at";

/// The headers that RabbitMQ adds to a message that it dead-letters.
const DEATHS: &str = "x-death";
const FIRST_DEATH: &str = "x-first-death-";
const LAST_DEATH: &str = "x-last-death-";

/// The count of a quorum queue, which belongs to the queue that the message leaves.
const ACQUIRED: &str = "x-acquired-count";

/// What is known about a dead letter.
#[derive(Debug, Serialize)]
pub(super) struct Letter {
    /// The queue that it came from.
    pub(super) original_queue: Option<String>,
    /// How many attempts failed.
    pub(super) attempts: Option<u64>,
    /// The last error.
    pub(super) error: Option<String>,
    /// When the last attempt failed, in seconds since 1970.
    pub(super) failed_at: Option<u64>,
}

impl Letter {
    pub(super) fn read(properties: &MessageProperties) -> Self {
        let number = |name: &str| match properties.header(name)? {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let text = |name: &str| properties.text_header(name).map(str::to_owned);
        let newest_death = newest_death(properties);
        let of_death = |name: &str| newest_death.as_ref()?.get(name);
        let queue_of_death = || of_death("queue")?.as_str().map(str::to_owned);
        let reason_of_death = || of_death("reason")?.as_str().map(|reason| format!("dead-lettered: {reason}"));
        Self {
            original_queue: text(ORIGIN).or_else(|| text("x-first-death-queue")).or_else(queue_of_death),
            attempts: number(ATTEMPTS),
            error: text(ERROR).or_else(reason_of_death),
            failed_at: number(FAILED_AT).or_else(|| of_death("time")?.as_u64()),
        }
    }
}

/// The properties with which a dead letter is published again. Its attempts start over unless they are kept.
pub(super) fn replayed(properties: &MessageProperties, keep_attempts: bool) -> MessageProperties {
    properties.forwarded().without_headers(|name| {
        let is_about_death = [ORIGIN, ERROR, FAILED_AT, ACQUIRED].contains(&name);
        let counts_attempts =
            [ATTEMPTS, DEATHS].contains(&name) || name.starts_with(FIRST_DEATH) || name.starts_with(LAST_DEATH);
        is_about_death || counts_attempts && !keep_attempts
    })
}

/// RabbitMQ adds the newest entry at the front.
fn newest_death(properties: &MessageProperties) -> Option<Value> {
    match properties.header(DEATHS)? {
        Value::Array(deaths) => deaths.into_iter().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn properties(headers: &Value) -> MessageProperties {
        MessageProperties::from_json(&serde_json::Map::new(), headers.as_object().unwrap())
    }

    fn origin(headers: &Value) -> Option<String> {
        Letter::read(&properties(headers)).original_queue
    }

    #[test]
    fn the_origin_is_our_header_or_the_first_death_or_the_newest_death() {
        let deaths = json!([{"queue": "newest"}, {"queue": "oldest"}]);
        let all = json!({"x-original-queue": "ours", "x-first-death-queue": "first", "x-death": deaths});
        assert_eq!(origin(&all).as_deref(), Some("ours"));
        assert_eq!(origin(&json!({"x-first-death-queue": "first", "x-death": deaths})).as_deref(), Some("first"));
        assert_eq!(origin(&json!({"x-death": deaths})).as_deref(), Some("newest"));
        for headers in [json!({}), json!({"x-death": []}), json!({"x-death": 5}), json!({"x-original-queue": 5})] {
            assert_eq!(origin(&headers), None, "{headers}");
        }
    }

    #[test]
    fn attempts_start_over_unless_they_are_kept() {
        let dead = properties(&json!({
            "x-attempts": "6", "x-error": "e", "x-original-queue": "q", "x-failed-at": "1", "x-death": [],
            "x-first-death-queue": "q", "kept": "1",
        }));
        let names = |keep| replayed(&dead, keep).headers().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(false), ["kept"]);
        assert_eq!(names(true), ["kept", "x-attempts", "x-death", "x-first-death-queue"]);
    }
}
