//! A queue whose items are known by consecutive numbers.

use std::collections::VecDeque;

/// Items with consecutive numbers, of which the first ones are forgotten again and again.
#[derive(Debug)]
pub(super) struct SequenceWindow<T> {
    pub(super) first: u64,
    items: VecDeque<T>,
}

impl<T> Default for SequenceWindow<T> {
    fn default() -> Self {
        Self { first: 1, items: VecDeque::new() }
    }
}

impl<T: Default> SequenceWindow<T> {
    pub(super) fn entry(&mut self, number: u64) -> &mut T {
        let place = self.place(number).expect("a number is entered before it is forgotten");
        if place >= self.items.len() {
            self.items.resize_with(place + 1, T::default);
        }
        &mut self.items[place]
    }

    pub(super) fn get(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number)?;
        self.items.get_mut(place)
    }

    fn place(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok())
    }

    pub(super) fn last(&self) -> u64 {
        self.first + self.items.len() as u64 - 1
    }

    pub(super) fn forget_while(&mut self, is_over: impl Fn(&T) -> bool) {
        while self.items.front().is_some_and(&is_over) {
            self.items.pop_front();
            self.first += 1;
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
