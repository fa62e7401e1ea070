//! The queue of log entries: what is dropped, and what is cut.

use super::*;

#[test]
fn entries_below_the_limit_and_overflow_are_dropped() {
    let (log, writer) = open(log::LevelFilter::Info, Identity::default());
    log.add(Entry::new(Severity::Debug, "too low", &()));
    assert_eq!(writer.entries.len(), 0);
    for _ in 0..MAX_WAITING + 7 {
        log.add(Entry::new(Severity::Info, "one of many", &()));
    }
    assert_eq!(writer.entries.len(), MAX_WAITING);
    assert_eq!(writer.shared.dropped.load(Ordering::Relaxed), 7);
}

#[test]
fn a_long_payload_is_cut_and_remains_json() {
    let entry = Entry::new(Severity::Info, "long", &"é".repeat(LONGEST_PAYLOAD));
    let payload = entry.payload.unwrap();
    assert!(payload.len() < 2 * LONGEST_PAYLOAD);
    let text: String = serde_json::from_str(&payload).unwrap();
    assert!(text.ends_with(&format!("({} bytes in all)", 2 * LONGEST_PAYLOAD + 2)), "{}", &text[text.len() - 40..]);
}
