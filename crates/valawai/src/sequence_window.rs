//! Items with consecutive numbers.

use std::collections::VecDeque;

/// The items with the numbers from `first` on. Items are removed at the front.
#[derive(Debug)]
pub(crate) struct SequenceWindow<T> {
    first: u64,
    items: VecDeque<T>,
}

impl<T> Default for SequenceWindow<T> {
    fn default() -> Self {
        Self { first: 1, items: VecDeque::new() }
    }
}

impl<T: Default> SequenceWindow<T> {
    /// The number of the first item.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The number of the last item.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.items.len() as u64 - 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Sets the item of `number`, and returns the item it had before. Numbers that were skipped get the default.
    ///
    /// # Panics
    /// If `number` is smaller than the first.
    pub(crate) fn set(&mut self, number: u64, item: T) -> T {
        let index = self.index(number).expect("the number is not smaller than the first");
        if index >= self.items.len() {
            self.items.resize_with(index + 1, T::default);
        }
        std::mem::replace(&mut self.items[index], item)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let index = self.index(number)?;
        self.items.get_mut(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.first..).zip(&self.items)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        (self.first..).zip(&mut self.items)
    }

    /// Removes items at the front while `condition` holds for their numbers and them.
    pub(crate) fn pop_while(&mut self, condition: impl Fn(u64, &T) -> bool) {
        while self.items.front().is_some_and(|item| condition(self.first, item)) {
            self.items.pop_front();
            self.first += 1;
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_numbers_get_the_default() {
        let mut window = SequenceWindow::default();
        assert_eq!(window.set(3, "c"), "");
        assert_eq!(window.iter().collect::<Vec<_>>(), [(1, &""), (2, &""), (3, &"c")]);
    }

    #[test]
    fn items_keep_their_numbers_when_the_first_are_removed() {
        let mut window = SequenceWindow::default();
        for number in 1..=4 {
            window.set(number, number);
        }
        window.pop_while(|number, _| number < 3);
        assert_eq!((window.first(), window.last()), (3, 4));
        assert_eq!(window.get_mut(2), None);
        assert_eq!(window.get_mut(4), Some(&mut 4));
    }
}
