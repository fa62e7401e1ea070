//! The parameters of a list request, and the page that they select.

use std::collections::BTreeMap;

use crate::contract::fields::InvalidField;
use crate::contract::pattern::Pattern;
use crate::json::{Json, ObjectBuilder};

const DEFAULT_LIMIT: i64 = 20;

#[derive(Debug)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    offset: usize,
    limit: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParameterError {
    /// `offset` or `limit` is not a number.
    NotANumber,
    Invalid(InvalidField),
}

impl Parameters {
    pub(super) fn parse(query: &str) -> Result<Self, ParameterError> {
        let values: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let number = |name: &'static str, default: i64, min: i64| {
            let number = values.get(name).map_or(Ok(default), |value| value.parse());
            let number = number.map_err(|_| ParameterError::NotANumber)?;
            let is_valid = |number: &usize| i64::try_from(*number).is_ok_and(|number| number >= min);
            let number = usize::try_from(number).ok().filter(is_valid);
            number.ok_or_else(|| ParameterError::Invalid(InvalidField::new(name, format!("is below {min}"))))
        };
        let (offset, limit) = (number("offset", 0, 0)?, number("limit", DEFAULT_LIMIT, 1)?);
        Ok(Self { values, offset, limit })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(super) fn pattern(&self, name: &str) -> Pattern {
        Pattern::new(self.get(name))
    }

    /// The selected items under this name, and how many there are in total.
    pub(super) fn page(&self, name: &str, items: Vec<Json>) -> Json {
        ObjectBuilder::new()
            .number("total", items.len())
            .number("offset", self.offset)
            .array(name, items.into_iter().skip(self.offset).take(self.limit))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let parameters = Parameters::parse("pattern=%2Fa%20b%2F&order=+name&level=INFO").expect("valid parameters");
        assert_eq!(parameters.get("pattern"), Some("/a b/"));
        assert_eq!(parameters.get("order"), Some(" name"));
        assert_eq!(parameters.get("type"), None);
    }

    #[test]
    fn limits_are_checked() {
        let error = |query| Parameters::parse(query).expect_err("invalid parameters");
        let below = |name, min| ParameterError::Invalid(InvalidField::new(name, format!("is below {min}")));
        assert_eq!(error("limit=x"), ParameterError::NotANumber);
        assert_eq!(error("limit=0"), below("limit", 1));
        assert_eq!(error("limit=-5"), below("limit", 1));
        assert_eq!(error("offset=-1"), below("offset", 0));
    }

    #[test]
    fn a_page_has_the_items_after_the_offset() {
        let items = || (0..5).map(Json::number).collect::<Vec<_>>();
        let page = |query| Parameters::parse(query).expect("valid parameters").page("items", items()).to_string();
        assert_eq!(page("offset=1&limit=2"), r#"{"total":5,"offset":1,"items":[1,2]}"#);
        assert_eq!(page("offset=9"), r#"{"total":5,"offset":9}"#);
    }
}
