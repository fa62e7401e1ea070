//! Publisher confirms: how many messages are confirmed without a gap.

use std::collections::VecDeque;

/// The unconfirmed messages of a channel, numbered from 1 as the broker numbers them.
#[derive(Debug, Default)]
pub struct Confirms {
    confirmed: u64,
    /// One entry per message after `confirmed`: whether it is confirmed.
    in_flight: VecDeque<bool>,
}

impl Confirms {
    /// Records that one more message was published.
    pub fn published(&mut self) {
        self.in_flight.push_back(false);
    }

    /// Records a confirm for the message with this sequence number or, with `multiple`, for all messages up to it.
    pub fn acked(&mut self, sequence: u64, multiple: bool) {
        let last = usize::try_from(sequence - self.confirmed - 1).expect("fewer messages than addresses");
        let first = if multiple { 0 } else { last };
        self.in_flight.range_mut(first..=last).for_each(|confirmed| *confirmed = true);
    }

    /// Removes the messages that are confirmed without a gap, and returns how many those are.
    pub fn advance(&mut self) -> usize {
        let before = self.in_flight.len();
        while self.in_flight.front() == Some(&true) {
            self.in_flight.pop_front();
        }
        let newly_confirmed = before - self.in_flight.len();
        self.confirmed += newly_confirmed as u64;
        newly_confirmed
    }

    /// The sequence number up to which all messages are confirmed, as of the last [`advance`](Self::advance).
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advance_stops_at_the_first_unconfirmed_message() {
        let mut confirms = Confirms::default();
        (0..5).for_each(|_| confirms.published());
        confirms.acked(4, false);
        assert_eq!((confirms.advance(), confirms.confirmed()), (0, 0));
        confirms.acked(2, true);
        assert_eq!((confirms.advance(), confirms.confirmed()), (2, 2));
        confirms.acked(3, false);
        assert_eq!((confirms.advance(), confirms.confirmed()), (2, 4));
    }
}
