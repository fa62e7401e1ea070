//! The order in which a database answers: any, and for a given seed always the same.

#[derive(Debug)]
pub(crate) struct Shuffle(u64);

impl Shuffle {
    /// How many messages may be on their way at once.
    pub(crate) const WINDOW: usize = 5;

    /// The seed 0 leaves everything in order.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn mix<T>(&mut self, items: &mut [T]) {
        if self.0 != 0 {
            for last in (1..items.len()).rev() {
                items.swap(last, self.next_below(last + 1));
            }
        }
    }

    /// Marsaglia's xorshift: never 0 again.
    fn next_below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}
