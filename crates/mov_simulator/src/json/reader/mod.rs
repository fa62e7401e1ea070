//! Reads JSON exactly as strictly and as leniently as the MOV's Jackson.
//!
//! The reader is written by hand because a message that Jackson rejects poisons its queue, and no library rejects the same
//! messages: comments and unpaired surrogates are valid; NaN, trailing tokens, and what exceeds Jackson's limits (1000 levels,
//! among others) are not. `serde_json` rejects comments and unpaired surrogates, and has another nesting limit.

mod string;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Json, number};

const MAX_DEPTH: usize = 1000;
const MAX_STRING_BYTES: usize = 20_000_000;
const MAX_NAME_BYTES: usize = 50_000;
const MAX_NUMBER_BYTES: usize = 1000;

/// Reads one document. The error says what is wrong, and where.
pub(crate) fn read(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
    let mut reader = Reader { text, position: 0, depth: 0 };
    let value = reader.value()?;
    match reader.next_token()? {
        None => Ok(value),
        Some(_) => Err(reader.error("unexpected text after the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Json, String> {
        match self.next_token()? {
            None => Err(self.error("expected a value, found the end of the document")),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string(MAX_STRING_BYTES).map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.literal(),
        }
    }

    fn nested(&mut self, read_content: fn(&mut Self) -> Result<Json, String>) -> Result<Json, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested deeper than 1000 levels"));
        }
        self.position += 1;
        let value = read_content(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut positions: HashMap<String, usize> = HashMap::new();
        if self.skip(b'}')? {
            return Ok(Json::Object(members));
        }
        loop {
            let (name, value) = self.member()?;
            // As in a Java `LinkedHashMap`: the last value of a repeated name, at the position of the first.
            match positions.entry(name.clone()) {
                Entry::Occupied(position) => members[*position.get()].1 = value,
                Entry::Vacant(position) => {
                    position.insert(members.len());
                    members.push((name, value));
                }
            }
            if self.skip(b'}')? {
                return Ok(Json::Object(members));
            }
            if !self.skip(b',')? {
                return Err(self.error("expected a comma or a closing brace"));
            }
        }
    }

    fn member(&mut self) -> Result<(String, Json), String> {
        if self.next_token()? != Some(b'"') {
            return Err(self.error("expected a quoted member name"));
        }
        let name = self.string(MAX_NAME_BYTES)?;
        if !self.skip(b':')? {
            return Err(self.error("expected a colon"));
        }
        Ok((name, self.value()?))
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        if self.skip(b']')? {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.skip(b']')? {
                return Ok(Json::Array(items));
            }
            if !self.skip(b',')? {
                return Err(self.error("expected a comma or a closing bracket"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let text = self.take_while(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
        let value = if text.len() > MAX_NUMBER_BYTES { None } else { number::read(text) };
        value.ok_or_else(|| self.error("an invalid number, or one of more than 1000 digits"))
    }

    fn literal(&mut self) -> Result<Json, String> {
        match self.take_while(|character| character.is_ascii_alphanumeric()) {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            _ => Err(self.error("expected a value")),
        }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.position..];
        let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    /// Skips the next token if it is `expected`, and returns whether it was.
    fn skip(&mut self, expected: u8) -> Result<bool, String> {
        let is_next = self.next_token()? == Some(expected);
        self.position += usize::from(is_next);
        Ok(is_next)
    }

    /// The first byte of the next token, after white space and comments.
    fn next_token(&mut self) -> Result<Option<u8>, String> {
        loop {
            let rest = &self.text[self.position..];
            let skipped = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").ok_or_else(|| self.error("a comment without an end"))? + 2
            } else {
                match self.peek() {
                    Some(b' ' | b'\t' | b'\r' | b'\n') => 1,
                    next => return Ok(next),
                }
            };
            self.position += skipped;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn error(&self, problem: &str) -> String {
        format!("not JSON, at byte {}: {problem}", self.position)
    }
}

#[cfg(test)]
mod tests;
