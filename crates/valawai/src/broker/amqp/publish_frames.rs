//! The frames of a published message.

use amiquip::AmqpProperties;
use amq_protocol::frame::generation::{gen_content_header_frame, gen_method_frame};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::{AMQPMethod, Publish};

/// The class of methods on messages.
const BASIC: u16 = 60;

const BODY_FRAME: u8 = 3;
const FRAME_END: u8 = 0xCE;

/// The bytes of a frame that are not its payload.
const FRAME_OVERHEAD: usize = 8;

/// Space for the first two frames; it grows if the properties do not fit.
const FIRST_FRAMES: usize = 1024;

/// A message to publish.
pub(super) struct Message<'m> {
    /// The default exchange has the empty name.
    pub(super) exchange: &'m str,
    pub(super) routing_key: String,
    pub(super) mandatory: bool,
    pub(super) properties: &'m AmqpProperties,
    pub(super) body: &'m [u8],
}

/// Appends the frames of `message`, on the channel `channel`, none larger than `max_frame`.
pub(super) fn encode(frames: &mut Vec<u8>, channel: u16, message: Message<'_>, max_frame: usize) {
    let Message { exchange, routing_key, mandatory, properties, body } = message;
    let publish = Publish { ticket: 0, exchange: exchange.to_owned(), routing_key, mandatory, immediate: false };
    let method = AMQPClass::Basic(AMQPMethod::Publish(publish));
    let start = frames.len();
    let mut space = FIRST_FRAMES;
    loop {
        frames.resize(start + space, 0);
        let size = body.len() as u64;
        let end = gen_method_frame((frames, start), channel, &method)
            .and_then(|position| gen_content_header_frame(position, channel, BASIC, size, properties))
            .map(|(_, end)| end);
        if let Ok(end) = end {
            frames.truncate(end);
            break;
        }
        space *= 2;
    }
    for payload in body.chunks(max_frame - FRAME_OVERHEAD) {
        let size = u32::try_from(payload.len()).expect("a frame is small");
        frames.push(BODY_FRAME);
        frames.extend(channel.to_be_bytes());
        frames.extend(size.to_be_bytes());
        frames.extend(payload);
        frames.push(FRAME_END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amiquip::{AmqpValue, FieldTable};
    use amq_protocol::frame::AMQPFrame;
    use amq_protocol::frame::parsing::parse_frame;

    fn encoded(properties: &AmqpProperties, body: &[u8], max_frame: usize) -> Vec<AMQPFrame> {
        let mut bytes = b"before".to_vec();
        let message = Message { exchange: "", routing_key: "queue".to_owned(), mandatory: true, properties, body };
        encode(&mut bytes, 7, message, max_frame);
        assert!(bytes.starts_with(b"before"));
        let (mut rest, mut frames) = (&bytes["before".len()..], Vec::new());
        while !rest.is_empty() {
            let (left, frame) = parse_frame(rest).expect("a whole frame");
            rest = left;
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn a_message_is_a_method_a_header_and_its_body_in_frames_that_the_broker_accepts() {
        let properties = AmqpProperties::default().with_content_type("application/json".to_owned());
        let body: Vec<u8> = (0..10_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let frames = encoded(&properties, &body, 4096);
        let [AMQPFrame::Method(7, AMQPClass::Basic(AMQPMethod::Publish(publish))), header, bodies @ ..] = &frames[..]
        else {
            panic!("{frames:?}")
        };
        assert_eq!((&*publish.exchange, &*publish.routing_key, publish.mandatory), ("", "queue", true));
        let AMQPFrame::Header(7, BASIC, header) = header else { panic!("{header:?}") };
        assert_eq!((header.body_size, &header.properties), (10_000, &properties));
        let mut received: Vec<u8> = Vec::new();
        for frame in bodies {
            let AMQPFrame::Body(7, payload) = frame else { panic!("{frame:?}") };
            assert!(payload.len() + FRAME_OVERHEAD <= 4096, "a frame of {} bytes", payload.len());
            received.extend(payload);
        }
        assert_eq!(received, body);
    }

    #[test]
    fn an_empty_body_has_no_frame() {
        assert_eq!(encoded(&AmqpProperties::default(), b"", 4096).len(), 2);
    }

    #[test]
    fn properties_of_any_size_fit() {
        let mut headers = FieldTable::new();
        headers.insert("x-large".to_owned(), AmqpValue::LongString("x".repeat(100_000)));
        let frames = encoded(&AmqpProperties::default().with_headers(headers.clone()), b"{}", 131_072);
        let AMQPFrame::Header(_, _, header) = &frames[1] else { panic!("{frames:?}") };
        assert_eq!(header.properties.headers(), &Some(headers));
    }
}
