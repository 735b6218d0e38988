//! A table that forgets: what was not touched for a while, and what was not touched longest when there is too much.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Values by key in two generations. What is touched goes into the young one; when that is full, or old, it becomes the old
/// one, and what was in there is gone. So nothing is ever looked through, however many keys come.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// Keys in one generation.
    most: usize,
    /// At least so long a value is kept after it was touched, unless there are too many.
    keep: Duration,
    /// When the young generation began.
    began: Instant,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(super) fn new(most: usize, keep: Duration) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most, keep, began: Instant::now() }
    }

    /// The value of a key, which is thereby touched.
    pub(super) fn find(&mut self, key: &K, now: Instant) -> Option<&V> {
        self.age(now);
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value, now);
        }
        self.young.get(key)
    }

    /// Gives a key its value.
    pub(super) fn put(&mut self, key: &K, value: V, now: Instant) {
        self.age(now);
        self.old.remove(key);
        match self.young.get_mut(key) {
            Some(young) => *young = value,
            None => self.insert(key.clone(), value, now),
        }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn insert(&mut self, key: K, value: V, now: Instant) {
        if self.young.len() >= self.most {
            self.turn(now);
        }
        self.young.insert(key, value);
    }

    fn age(&mut self, now: Instant) {
        let age = now - self.began;
        if age > self.keep {
            self.turn(now);
        }
        if age > self.keep * 2 {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: Instant) {
        self.old = std::mem::take(&mut self.young);
        self.began = now;
    }
}
