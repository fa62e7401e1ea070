//! Which of the messages published are confirmed without a gap.

use std::collections::VecDeque;

/// Published messages, numbered from 1 as on any fresh channel.
#[derive(Debug, Default)]
pub struct Confirms {
    /// Everything up to this number is confirmed.
    pub settled: u64,
    open: VecDeque<bool>,
}

impl Confirms {
    /// One more was published.
    pub fn published(&mut self) {
        self.open.push_back(false);
    }

    /// The broker has the message `number`, or all up to it.
    pub fn confirmed(&mut self, number: u64, multiple: bool) {
        let place = usize::try_from(number - self.settled - 1).expect("64 bits");
        let first = if multiple { 0 } else { place };
        self.open.range_mut(first..=place).for_each(|confirmed| *confirmed = true);
    }

    /// Settles what is confirmed without a gap, and returns how many more that are.
    pub fn settle(&mut self) -> usize {
        let before = self.open.len();
        while self.open.front() == Some(&true) {
            self.open.pop_front();
        }
        let more = before - self.open.len();
        self.settled += more as u64;
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_confirmed_without_a_gap_is_settled() {
        let mut confirms = Confirms::default();
        (0..5).for_each(|_| confirms.published());
        confirms.confirmed(4, false);
        assert_eq!((confirms.settle(), confirms.settled), (0, 0));
        confirms.confirmed(2, true);
        assert_eq!((confirms.settle(), confirms.settled), (2, 2));
        confirms.confirmed(3, false);
        assert_eq!((confirms.settle(), confirms.settled), (2, 4));
    }
}
