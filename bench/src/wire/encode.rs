//! AMQP strings.

use bytes::BufMut;

/// Appends AMQP strings to a buffer.
pub trait PutString: BufMut {
    /// Appends a short string: its length in one byte, then the text.
    fn put_short_string(&mut self, text: &str) {
        self.put_u8(u8::try_from(text.len()).expect("a short string has less than 256 bytes"));
        self.put_slice(text.as_bytes());
    }

    /// Appends a long string: its length in four bytes, then the bytes.
    fn put_long_string(&mut self, text: &[u8]) {
        self.put_u32(u32::try_from(text.len()).expect("a long string has less than 4 GiB"));
        self.put_slice(text);
    }
}

impl<B: BufMut + ?Sized> PutString for B {}
