//! Bytes as hexadecimal digits.

/// `bytes` as hexadecimal digits.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).expect("a hexadecimal digit"));
        }
        text
    })
}

/// The bytes that [`encode`] wrote.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(16 * pair[0] + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read() {
        assert_eq!(decode(&encode(b"\x00\x7f\xff")), Some(b"\x00\x7f\xff".to_vec()));
        for text in ["0", "0x00", "+f", "zz"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
