//! Message bodies: `{"content":"…"}` of a given size. The text begins with a sequence number.

const PREFIX: &str = r#"{"content":""#;
const SUFFIX: &str = r#""}"#;
const DIGITS: usize = 10;

/// A body of `size` bytes.
pub(crate) fn message_body(sequence: u64, size: usize) -> Vec<u8> {
    let padding = size.saturating_sub(PREFIX.len() + DIGITS + SUFFIX.len());
    let text = "abcdefghijklmnopqrstuvwxyz ".chars().cycle().take(padding);
    let mut body = format!("{PREFIX}{sequence:0DIGITS$}");
    body.extend(text);
    body.push_str(SUFFIX);
    body.into_bytes()
}

/// The sequence number in a body. JSON whitespace makes no difference.
pub(super) fn sequence_in(body: &[u8]) -> Option<u64> {
    let start = body.iter().position(u8::is_ascii_digit)?;
    std::str::from_utf8(body.get(start..)?.get(..DIGITS)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_of_the_given_size() {
        let body = message_body(4711, 100);
        assert_eq!(body.len(), 100);
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["content"].is_string());
    }

    #[test]
    fn the_sequence_number_is_found_with_and_without_whitespace() {
        assert_eq!(sequence_in(&message_body(4711, 100)), Some(4711));
        assert_eq!(sequence_in(br#"{ "content": "0000000042" }"#), Some(42));
    }
}
