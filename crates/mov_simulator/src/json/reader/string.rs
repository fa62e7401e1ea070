//! Strings and their escapes.

use super::Reader;

impl Reader<'_> {
    /// Reads a string from its opening to its closing quote.
    pub(super) fn string(&mut self, max_bytes: usize) -> Result<String, String> {
        self.position += 1;
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|character| character != '"' && character != '\\' && character >= ' '));
            if content.len() > max_bytes {
                return Err(self.error("a string that is too long"));
            }
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(content);
                }
                Some(b'\\') => self.escape(&mut content)?,
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("a string without an end")),
            }
        }
    }

    fn escape(&mut self, content: &mut String) -> Result<(), String> {
        let escaped = self.text.as_bytes().get(self.position + 1).copied();
        self.position += 2;
        content.push(match escaped {
            Some(literal @ (b'"' | b'\\' | b'/')) => char::from(literal),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(content),
            _ => return Err(self.error("an invalid escape")),
        });
        Ok(())
    }

    /// Java strings can hold an unpaired surrogate; Rust strings cannot, so it becomes the replacement character.
    fn unicode_escape(&mut self, content: &mut String) -> Result<(), String> {
        let mut units = vec![self.hexadecimal_unit()?];
        if (0xD800..0xDC00).contains(&units[0]) && self.text[self.position..].starts_with("\\u") {
            self.position += 2;
            units.push(self.hexadecimal_unit()?);
        }
        content.push_str(&String::from_utf16_lossy(&units));
        Ok(())
    }

    fn hexadecimal_unit(&mut self) -> Result<u16, String> {
        let digits = self.text.get(self.position..self.position + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        self.position += 4;
        Ok(unit)
    }
}
