//! Room for bodies that nobody has proven yet: thousands may come at once, and each is kept whole until its signature is checked.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of unproven bodies at once, together.
const ROOM: usize = 32 << 20;
/// What is kept for the beginnings of bodies. The carriers' have some 2 KB as a rule, and find room beside large ones
/// that come slowly.
const FOR_BEGINNINGS: usize = 16 << 20;
/// How much of a body is its beginning.
const BEGINNING: usize = 16 << 10;

/// All the room there is. Its clones share it.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A body's share, until it is dropped.
pub(super) struct Share {
    room: Room,
    taken: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }

    /// The share of a body that has not come yet.
    pub(super) fn share(&self) -> Share {
        Share { room: self.clone(), taken: 0, permit: None }
    }
}

impl Share {
    /// Takes room for so many bytes more; false where there is none.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let Self { room: Room(room), taken, permit } = self;
        *taken += bytes;
        let kept = if *taken > BEGINNING { FOR_BEGINNINGS } else { 0 };
        let fits = room.available_permits() >= kept.saturating_add(bytes);
        let more = u32::try_from(bytes).ok().filter(|_| fits);
        let more = more.and_then(|bytes| Arc::clone(room).try_acquire_many_owned(bytes).ok());
        let Some(more) = more else { return false };
        match permit {
            Some(permit) => permit.merge(more),
            None => *permit = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_leave_room_for_small_ones_and_give_theirs_back() {
        let room = Room::new();
        let mut large: Vec<Share> = Vec::new();
        loop {
            let mut share = room.share();
            if !(share.take(BEGINNING) && share.take(200 << 10)) {
                break;
            }
            large.push(share);
        }
        let held = large.len() * (216 << 10);
        assert!((ROOM - FOR_BEGINNINGS - (216 << 10)..=ROOM - FOR_BEGINNINGS).contains(&held), "{held}");
        let small: Vec<Share> = std::iter::repeat_with(|| room.share())
            .map_while(|mut share| share.take(2 << 10).then_some(share))
            .collect();
        assert!(small.len() > 8000, "{}", small.len());
        assert!(!room.share().take(1 << 10), "the rest is less than that");
        drop((large, small));
        assert_eq!(room.0.available_permits(), ROOM);
    }
}
