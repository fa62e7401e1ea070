//! Functions for `#[serde(deserialize_with = "…")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Deserializes a string that must not be empty: `#[serde(deserialize_with = "valawai::de::non_empty")]`.
///
/// ```
/// use serde::Deserialize;
/// use valawai::Message;
///
/// #[derive(Deserialize)]
/// struct Echo {
///     #[serde(deserialize_with = "valawai::de::non_empty")]
///     content: String,
/// }
///
/// assert_eq!(Message::from(r#"{"content": "hello"}"#).read::<Echo>().unwrap().content, "hello");
/// assert!(Message::from(r#"{"content": ""}"#).read::<Echo>().is_err());
/// ```
///
/// # Errors
/// If the string is empty.
pub fn non_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + AsRef<str>,
{
    let text = T::deserialize(deserializer)?;
    if text.as_ref().is_empty() { Err(D::Error::custom("the string is empty")) } else { Ok(text) }
}
