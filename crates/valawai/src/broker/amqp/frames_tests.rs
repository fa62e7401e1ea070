//! The frame scanner, with frames in pieces of any size.

use super::*;

const OTHER_CHANNEL: u8 = 2;

fn frame(frame_type: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[frame_type, 0, 1][..], &size, payload, &[FRAME_END]].concat()
}

fn content_header(body_size: u64) -> Vec<u8> {
    let payload = [&[0, 60, 0, 0][..], &body_size.to_be_bytes(), &[0, 0]].concat();
    frame(2, &payload)
}

fn on_other_channel(mut frame: Vec<u8>) -> Vec<u8> {
    frame[2] = OTHER_CHANNEL;
    frame
}

#[test]
fn bodies_are_counted_in_pieces_of_any_size() {
    let stream =
        [frame(1, b"method"), content_header(11), frame(3, b"hello"), frame(3, b" world"), frame(8, b"")].concat();
    for size in 1..=stream.len() {
        let mut frames = FrameScanner::default();
        let counted: usize = stream.chunks(size).map(|piece| frames.scan(piece).unwrap()).sum();
        assert_eq!(counted, 11, "in pieces of {size} bytes");
    }
}

#[test]
fn the_largest_frame_is_read_from_the_tune_method() {
    let tune = [&TUNE[..], &[7, 255], &8192_u32.to_be_bytes(), &[0, 60]].concat();
    let stream = [frame(1, &[0, 10, 0, 10, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]), frame(1, &tune), frame(1, b"x")].concat();
    for size in 1..=stream.len() {
        let mut frames = FrameScanner::default();
        stream.chunks(size).for_each(|piece| assert_eq!(frames.scan(piece).unwrap(), 0));
        assert_eq!(frames.max_frame(), Some(8192), "in pieces of {size} bytes");
    }
}

#[test]
fn a_body_counts_when_it_is_complete() {
    let mut frames = FrameScanner::default();
    assert_eq!(frames.scan(&content_header(10)).unwrap(), 0);
    assert_eq!(frames.scan(&frame(3, b"hello")).unwrap(), 0, "half of it");
    assert_eq!(frames.scan(&frame(3, b"world")).unwrap(), 10);
}

#[test]
fn bodies_on_different_channels_are_counted_separately() {
    let mut frames = FrameScanner::default();
    frames.scan(&content_header(10)).unwrap();
    frames.scan(&frame(3, b"hello")).unwrap();
    assert_eq!(frames.scan(&on_other_channel(content_header(3))).unwrap(), 0);
    assert_eq!(frames.scan(&on_other_channel(frame(3, b"abc"))).unwrap(), 3);
    assert_eq!(frames.scan(&frame(3, b"world")).unwrap(), 10);
}

#[test]
fn an_empty_body_is_complete_without_a_frame() {
    let mut frames = FrameScanner::default();
    frames.scan(&content_header(0)).unwrap();
    frames.scan(&content_header(3)).unwrap();
    assert_eq!(frames.scan(&frame(3, b"abc")).unwrap(), 3);
}

#[test]
fn an_invalid_stream_is_rejected_with_a_reason() {
    let huge_frame = [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF].to_vec();
    for (stream, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "not AMQP"),
        (b"\x15\x03\x01\x00\x02\x02".to_vec(), "the reply is TLS"),
        (b"AMQP\x00\x01\x00\x00".to_vec(), "another version"),
        (huge_frame, "larger than the negotiated maximum"),
        (content_header(u64::MAX), "larger than any broker"),
        ([&frame(1, b"x")[..8], &[0]].concat(), "does not end"),
    ] {
        let error = FrameScanner::default().scan(&stream).expect_err("the stream was accepted").to_string();
        assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
    }
}
