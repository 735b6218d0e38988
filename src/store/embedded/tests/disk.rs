//! A disk that fails at any of its operations.

use std::io;
use std::ops::Bound;
use std::sync::atomic::AtomicBool;

use redb::{BackendError, StorageBackend};

use super::*;

/// A disk whose operations fail from one of them on, until it is sound again.
#[derive(Clone, Debug)]
struct Disk {
    left: Arc<AtomicU64>,
    sound: Arc<AtomicBool>,
    error: i32,
}

impl Disk {
    fn step(&self) -> io::Result<()> {
        let spend = |left: u64| Some(left.saturating_sub(1));
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).unwrap_or_default();
        if left == 0 && !self.sound.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(self.error));
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    disk: Disk,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.step()?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.step()?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.step()?;
        self.file.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

#[tokio::test]
async fn a_disk_that_fails_at_any_moment_loses_nothing_and_stops_nobody() {
    const ENOSPC: i32 = 28;
    const EIO: i32 = 5;
    let mut failed = 0;
    for (error, n) in [ENOSPC, EIO].into_iter().flat_map(|error| (0..40).step_by(3).map(move |n| (error, n))) {
        let scratch = filled().await;
        let disk = Disk { left: Arc::new(AtomicU64::new(n)), sound: Arc::default(), error };
        let played = disk.clone();
        let put_on: PutOn = Box::new(move |builder, file| {
            builder.create_with_backend(Faulty { file: FileBackend::new(file)?, disk: played.clone() })
        });
        let store = store(Embedded { put_on, ..Embedded::new(scratch.path()) });
        for talks in [vec![talk(1), talk(2)], vec![talk(3)], vec![talk(4)]] {
            if let Err(told) = store.commit(talks).await {
                failed += 1;
                let remedy = if error == ENOSPC { "make room" } else { "sound" };
                assert!(told.0.contains(remedy), "{n}: {told}");
                assert!(matches!(store.state(), StoreState::Degraded(_)), "{n}");
            }
        }
        disk.sound.store(true, Ordering::SeqCst);
        while store.commit(vec![Write::Nothing]).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.state(), StoreState::Fine);
        assert_eq!(store.left().await, Ok(everything()), "{n}");
        close(store).await;
        let store = open(&scratch);
        assert_eq!(store.left().await, Ok(everything()), "{n}");
        assert_eq!((store.history(9).await.expect("history").1, set_aside(&scratch)), (4, 0), "{n}");
    }
    assert!(failed > 20, "{failed}");
}
