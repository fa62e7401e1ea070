//! The messages: `{"content":"…"}` of a given size, with a number at the begin of the text.

const OPENING: &str = r#"{"content":""#;
const CLOSING: &str = r#""}"#;
const DIGITS: usize = 10;

/// A message of `size` bytes.
pub(crate) fn body(number: u64, size: usize) -> Vec<u8> {
    let filling = size.saturating_sub(OPENING.len() + DIGITS + CLOSING.len());
    let text = "abcdefghijklmnopqrstuvwxyz ".chars().cycle().take(filling);
    let mut body = format!("{OPENING}{number:0DIGITS$}");
    body.extend(text);
    body.push_str(CLOSING);
    body.into_bytes()
}

/// The number in a message, however its JSON is spaced.
pub(crate) fn number_in(body: &[u8]) -> Option<u64> {
    let start = body.iter().position(u8::is_ascii_digit)?;
    std::str::from_utf8(body.get(start..)?.get(..DIGITS)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_size_and_its_number() {
        let body = body(4711, 100);
        assert_eq!(body.len(), 100);
        assert_eq!(number_in(&body), Some(4711));
        assert_eq!(number_in(br#"{ "content": "0000000042" }"#), Some(42));
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["content"].is_string());
    }
}
