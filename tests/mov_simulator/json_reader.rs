//! Reads JSON as strictly, and as leniently, as the MOV's Jackson: comments pass, NaN and trailing tokens do not, and there are
//! limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::json::Json;

const DEEPEST: usize = 1000;
const LONGEST_TEXT: usize = 20_000_000;
const LONGEST_NAME: usize = 50_000;
const LONGEST_NUMBER: usize = 1000;

/// Reads one document; the error says what is wrong, and where.
pub(crate) fn read(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = reader.value()?;
    match reader.next_token()? {
        None => Ok(value),
        Some(_) => Err(reader.wrong("something follows the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Json, String> {
        match self.next_token()? {
            None => Err(self.wrong("the document ends where a value should be")),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string(LONGEST_TEXT).map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, String>) -> Result<Json, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("nested deeper than 1000 levels"));
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        if self.takes(b'}')? {
            return Ok(Json::Object(members));
        }
        loop {
            if self.next_token()? != Some(b'"') {
                return Err(self.wrong("a member's name in quotes should be here"));
            }
            let name = self.string(LONGEST_NAME)?;
            if !self.takes(b':')? {
                return Err(self.wrong("a colon should be here"));
            }
            let value = self.value()?;
            // As in a Java map: the last value, in the place of the first.
            match places.entry(name.clone()) {
                Entry::Occupied(place) => members[*place.get()].1 = value,
                Entry::Vacant(place) => {
                    place.insert(members.len());
                    members.push((name, value));
                }
            }
            if self.takes(b'}')? {
                return Ok(Json::Object(members));
            }
            if !self.takes(b',')? {
                return Err(self.wrong("a comma or a closing brace should be here"));
            }
        }
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        if self.takes(b']')? {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.takes(b']')? {
                return Ok(Json::Array(items));
            }
            if !self.takes(b',')? {
                return Err(self.wrong("a comma or a closing bracket should be here"));
            }
        }
    }

    fn string(&mut self, limit: usize) -> Result<String, String> {
        self.at += 1;
        let mut read = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|next: char| next == '"' || next == '\\' || next < ' ').unwrap_or(rest.len());
            read.push_str(&rest[..plain]);
            self.at += plain;
            if read.len() > limit {
                return Err(self.wrong("a text that is too long"));
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.push(self.escape()?),
                Some(_) => return Err(self.wrong("a control character in a text")),
                None => return Err(self.wrong("a text that does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match escaped {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.wrong("an escape that is none")),
        })
    }

    fn unicode(&mut self) -> Result<char, String> {
        let high = self.hexadecimal()?;
        let mut units = vec![high];
        if (0xD800..0xDC00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            units.push(self.hexadecimal()?);
        }
        // Java keeps half a pair; here it becomes the replacement character.
        Ok(char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u16, String> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.wrong("four hexadecimal digits should be here"))
    }

    fn number(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && !"+-.".contains(next)).unwrap_or(rest.len());
        let written = &rest[..end];
        if written.len() > LONGEST_NUMBER || !is_number(written) {
            return Err(self.wrong("a number that is none, or too long"));
        }
        self.at += end;
        if written.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
            return Ok(Json::Number(written.to_owned()));
        }
        let value: f64 = written.parse().map_err(|_| self.wrong("a number that is none"))?;
        Ok(if value.is_finite() {
            Json::Number(as_java_writes(value))
        } else {
            Json::text(if value > 0.0 { "Infinity" } else { "-Infinity" })
        })
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let end = rest.find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..end] {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => return Err(self.wrong("a value should be here")),
        };
        self.at += end;
        Ok(value)
    }

    fn takes(&mut self, wanted: u8) -> Result<bool, String> {
        let there = self.next_token()? == Some(wanted);
        self.at += usize::from(there);
        Ok(there)
    }

    /// The first byte of the next token; blanks and comments are passed over.
    fn next_token(&mut self) -> Result<Option<u8>, String> {
        loop {
            let rest = &self.text[self.at..];
            let comment = if rest.starts_with("//") {
                rest.find('\n').or(Some(rest.len()))
            } else if rest.starts_with("/*") {
                Some(rest.find("*/").ok_or_else(|| self.wrong("a comment that does not end"))? + 2)
            } else {
                None
            };
            match (comment, self.peek()) {
                (Some(length), _) => self.at += length,
                (None, Some(b' ' | b'\t' | b'\r' | b'\n')) => self.at += 1,
                (None, next) => return Ok(next),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, what: &str) -> String {
        format!("not JSON, at byte {}: {what}", self.at)
    }
}

/// With an exponent when it is small or large, and always with a point.
fn as_java_writes(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let written = format!("{value:E}");
    if written.contains('.') { written } else { written.replacen('E', ".0E", 1) }
}

/// `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?`
fn is_number(written: &str) -> bool {
    let unsigned = written.strip_prefix('-').unwrap_or(written);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    is_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
