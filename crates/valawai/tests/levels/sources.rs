//! C0: sources.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use testkit::wait::SOON;
use testkit::wait_until;
use valawai::internals::asyncapi::sample;
use valawai::{Component, Failure, Publisher, Shutdown};

use super::{Running, TEMPERATURE, number, numbers};

fn thermometer(run: impl Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync + 'static) -> Component {
    Component::new("1.0.0", sample("c0/thermometer", &["publish data/temperature"])).source(TEMPERATURE, run)
}

/// Publishes the numbers below `count`, and stays.
fn count_to(count: u64) -> impl Fn(&Publisher, &Shutdown) -> Result<(), Failure> {
    move |publisher, shutdown| {
        for next in 0..count {
            publisher.enqueue(&number(next))?;
        }
        publisher.flush()?;
        let _ = shutdown.wait_for(Duration::from_secs(3600));
        Ok(())
    }
}

pub(super) fn a_source_publishes_in_order<R: Running>() {
    let running = R::run(&thermometer(count_to(5000)));
    wait_until("all numbers", SOON, || numbers(&running, TEMPERATURE).len() >= 5000);
    assert_eq!(numbers(&running, TEMPERATURE), (0..5000).collect::<Vec<_>>());
}

pub(super) fn a_source_continues_over_sessions_and_rejected_messages<R: Running>() {
    const BATCH: u64 = 3000;
    let (release, released) = crossbeam_channel::unbounded::<u64>();
    let running = R::run(&thermometer(move |publisher, _| {
        for batch in &released {
            for next in batch * BATCH..(batch + 1) * BATCH {
                publisher.enqueue(&number(next))?;
            }
        }
        publisher.flush()
    }));
    for batch in 0..3 {
        running.reject(TEMPERATURE, true);
        release.send(batch).unwrap();
        running.disconnect();
        running.reject(TEMPERATURE, false);
        let last = (batch + 1) * BATCH - 1;
        wait_until("the last number", SOON, || numbers(&running, TEMPERATURE).contains(&last));
    }
    drop(release);
    let all: BTreeSet<u64> = numbers(&running, TEMPERATURE).into_iter().collect();
    assert_eq!(all.len() as u64, 3 * BATCH, "a number is missing");
}

pub(super) fn a_source_that_fails_or_panics_is_reported_and_starts_again<R: Running>() {
    let starts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&starts);
    let running = R::run(&thermometer(move |publisher, _| match counter.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Failure::retry("the sensor is busy")),
        1 => panic!("the sensor overheated"),
        _ => publisher.publish(&number(1)),
    }));
    wait_until("a number", SOON, || numbers(&running, TEMPERATURE) == [1]);
    assert_eq!(running.wait_for_log("because the sensor is busy").level, "WARN");
    assert_eq!(running.wait_for_log("the sensor overheated").level, "ERROR");
    assert_eq!(starts.load(Ordering::SeqCst), 3, "a source that is done started again");
}

pub(super) fn an_invalid_message_is_refused_at_once_and_the_source_goes_on<R: Running>() {
    let running = R::run(&thermometer(|publisher, _| {
        assert!(matches!(publisher.publish(&[1, 2]), Err(Failure::Refuse(_))), "an array was published");
        publisher.publish(&number(2))
    }));
    wait_until("a number", SOON, || numbers(&running, TEMPERATURE) == [2]);
}

pub(super) fn a_source_that_waits_for_the_broker_does_not_delay_the_stop<R: Running>() {
    let running = R::run(&thermometer(count_to(5)));
    running.reject(TEMPERATURE, true);
    running.disconnect();
    let start = Instant::now();
    drop(running);
    assert!(start.elapsed() < Duration::from_secs(8), "the stop took {:?}", start.elapsed());
}
