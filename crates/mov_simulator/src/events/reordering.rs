//! The order in which messages leave the MOV: it queries its database for each of them, and sends them as the answers arrive.

use fastrand::Rng;

#[derive(Debug)]
pub(crate) struct Reordering {
    /// `None` keeps the order.
    rng: Option<Rng>,
}

impl Reordering {
    /// How many messages can be in flight, and so overtake each other.
    pub(crate) const WINDOW: usize = 5;

    /// The same seed gives the same order; 0 keeps the order of the messages.
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: (seed != 0).then(|| Rng::with_seed(seed)) }
    }

    pub(super) fn shuffle<T>(&mut self, messages: &mut [T]) {
        if let Some(rng) = &mut self.rng {
            rng.shuffle(messages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(seed: u64) -> Vec<u8> {
        let mut items = (0..100).collect::<Vec<_>>();
        Reordering::new(seed).shuffle(&mut items);
        items
    }

    #[test]
    fn the_order_follows_from_the_seed() {
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        assert!(shuffled(0).is_sorted() && !shuffled(1).is_sorted());
    }
}
