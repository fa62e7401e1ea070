//! The trace that a message belongs to: W3C Trace Context, in the headers `traceparent` and `tracestate` of a message.
//!
//! A component takes part in the traces of others: what it publishes for a message belongs to the trace of that message, under a span
//! of its own. It makes no trace up, and decides for none whether it is recorded.

use std::fmt;
use std::str::FromStr;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// The longest `traceparent` that is read: later versions may append fields.
const LONGEST_PARENT: usize = 256;

/// The longest `tracestate` that is passed on; the recommendation requires at least 512 characters. A longer one is dropped whole.
pub(crate) const LONGEST_STATE: usize = 2048;

/// The most members of a `tracestate`.
const MOST_MEMBERS: usize = 32;

/// The flags that versions 00 (levels 1 and 2) define: sampled, and random. Others are not passed on.
const KNOWN_FLAGS: u8 = 0b11;
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// A position in a trace: that of what handles a message, or of what sent it.
///
/// ```
/// use valawai::{Message, Properties, TestContext, Trace};
///
/// let received: Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
/// let properties = Properties { trace: Some(received.clone().into()), ..Properties::default() };
/// let context = TestContext::new(Message { body: b"{}".to_vec(), properties });
/// let trace = context.trace().expect("the message belongs to a trace");
/// assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(trace.is_sampled());
/// # Ok::<(), valawai::InvalidTrace>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Of the trace.
    id: u128,
    span_id: u64,
    /// The span of the sender.
    parent_id: Option<u64>,
    flags: u8,
    state: Option<String>,
}

/// A text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTrace;

impl fmt::Display for InvalidTrace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it is no `traceparent` of W3C Trace Context")
    }
}

impl std::error::Error for InvalidTrace {}

impl Trace {
    /// Begins a trace. Whoever begins one decides whether it is to be recorded: `is_sampled`.
    ///
    /// ```
    /// let trace = valawai::Trace::begin(true);
    /// assert!(trace.is_sampled() && trace.parent_id().is_none());
    /// assert_ne!(trace.trace_id(), valawai::Trace::begin(true).trace_id());
    /// ```
    #[must_use]
    pub fn begin(is_sampled: bool) -> Self {
        let flags = RANDOM | u8::from(is_sampled);
        Self { id: fastrand::u128(1..), span_id: new_span(), parent_id: None, flags, state: None }
    }

    /// Reads the headers of a message. A `state` that is malformed is dropped.
    ///
    /// # Errors
    /// If `parent` is no `traceparent`.
    pub fn from_headers(parent: &str, state: Option<&str>) -> Result<Self, InvalidTrace> {
        let trace: Self = parent.parse()?;
        let state =
            state.map(|state| state.trim_matches([' ', '\t'])).filter(|state| is_state(state)).map(str::to_owned);
        Ok(Self { state, ..trace })
    }

    /// The header `traceparent` of what is sent from here. See the example of [`Trace`].
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.id, self.span_id, self.flags & KNOWN_FLAGS)
    }

    /// The header `tracestate`, which is passed on as it was received.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The identifier of the trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// The identifier of this span: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// The span of the sender, if it is known.
    #[must_use]
    pub fn parent_id(&self) -> Option<String> {
        self.parent_id.map(|id| format!("{id:016x}"))
    }

    /// Whether somebody before decided that the trace is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Enters a new span, whose parent is this one.
    pub(crate) fn enter(&mut self) {
        self.parent_id = Some(std::mem::replace(&mut self.span_id, new_span()));
    }
}

/// A `traceparent`, as strict as the recommendation is: version 00 has exactly four fields in lower case, and later versions begin
/// with the same four.
impl FromStr for Trace {
    type Err = InvalidTrace;

    fn from_str(text: &str) -> Result<Self, InvalidTrace> {
        let text = text.trim_matches([' ', '\t']);
        if !(LENGTH..=LONGEST_PARENT).contains(&text.len()) || !text.is_ascii() {
            return Err(InvalidTrace);
        }
        let (fields, rest) = text.split_at(LENGTH);
        let mut fields = fields.split('-');
        let mut field = |digits| fields.next().filter(|it| it.len() == digits && it.bytes().all(is_digit));
        let parsed = field(2).zip(field(32)).zip(field(16)).zip(field(2));
        let (((version, trace_id), span_id), flags) = parsed.ok_or(InvalidTrace)?;
        let is_known = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| is_known && *id != 0);
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0);
        let flags = u8::from_str_radix(flags, 16).ok();
        let ((trace_id, span_id), flags) = trace_id.zip(span_id).zip(flags).ok_or(InvalidTrace)?;
        Ok(Self { id: trace_id, span_id, parent_id: None, flags: flags & KNOWN_FLAGS, state: None })
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn new_span() -> u64 {
    fastrand::u64(1..)
}

/// Whether a `tracestate` is well-formed: up to 32 members `key=value`, each key once. Empty members are allowed.
fn is_state(state: &str) -> bool {
    let members =
        || state.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    let is_member = |member: &str| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value));
    let key = |member: &str| member.split_once('=').map(|(key, _)| key.to_owned());
    let mut keys: Vec<_> = members().map(key).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    state.len() <= LONGEST_STATE
        && (1..=MOST_MEMBERS).contains(&count)
        && keys.len() == count
        && members().all(is_member)
}

/// A key is `name`, or `tenant@system`.
fn is_key(key: &str) -> bool {
    let is_part = |part: &str, longest: usize, may_begin: fn(u8) -> bool| {
        (1..=longest).contains(&part.len())
            && may_begin(part.as_bytes()[0])
            && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let letter = |byte: u8| byte.is_ascii_lowercase();
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match key.split_once('@') {
        Some((tenant, system)) => is_part(tenant, 241, letter_or_digit) && is_part(system, 14, letter),
        None => is_part(key, 256, letter_or_digit),
    }
}

fn is_value(value: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    (1..=256).contains(&value.len()) && !value.ends_with(' ') && value.bytes().all(is_allowed)
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
