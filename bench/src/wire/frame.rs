//! Frames and the arguments of methods.

use super::Method;

/// The bytes of a frame before its payload: kind, channel and size.
pub(super) const HEADER_SIZE: usize = 7;

/// The bytes of a frame in addition to its payload.
pub(super) const OVERHEAD: usize = HEADER_SIZE + 1;

/// The last byte of each frame.
pub(super) const END: u8 = 0xCE;

/// The kind of a frame, with the protocol's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameKind(pub u8);

impl FrameKind {
    /// A method and its arguments.
    pub const METHOD: Self = Self(1);
    /// The size and properties of a message.
    pub const HEADER: Self = Self(2);
    /// A part of the body of a message.
    pub const BODY: Self = Self(3);
}

/// A frame, borrowed from the buffer that it was read into.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'b> {
    /// The kind of frame.
    pub kind: FrameKind,
    /// The channel.
    pub channel: u16,
    /// The payload.
    pub payload: &'b [u8],
    /// The whole frame as it was received.
    pub encoded: &'b [u8],
}

impl<'b> Frame<'b> {
    /// The method in this frame and its arguments.
    #[must_use]
    pub fn method(&self) -> (Method, Arguments<'b>) {
        let mut arguments = Arguments(self.payload);
        (Method(arguments.long()), arguments)
    }

    /// The delivery tag, if this frame is a `basic.deliver`.
    #[must_use]
    pub fn delivery_tag(&self) -> Option<u64> {
        let (Method::BASIC_DELIVER, mut arguments) = self.method() else { return None };
        arguments.short_string();
        Some(arguments.long_long())
    }

    /// The size of the body that this header frame announces.
    #[must_use]
    pub fn body_size(&self) -> usize {
        let mut fields = Arguments(&self.payload[4..]);
        usize::try_from(fields.long_long()).expect("a body fits into memory")
    }
}

/// The arguments of a method, read one after the other. Missing arguments read as zero.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'b>(&'b [u8]);

impl<'b> Arguments<'b> {
    /// Reads one byte.
    pub fn octet(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// Reads a 16-bit integer.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// Reads a 32-bit integer.
    pub fn long(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// Reads a 64-bit integer.
    pub fn long_long(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// Reads a short string.
    pub fn short_string(&mut self) -> &'b str {
        let length = self.octet().into();
        std::str::from_utf8(self.take(length)).unwrap_or_default()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
