//! What a server may do with what it was given.

use super::*;

#[tokio::test]
async fn a_server_that_may_lose_what_it_was_given_is_warned_of() {
    const DISK: &str = "appendonly";
    const MEMORY: &str = "maxmemory-policy";
    for (arguments, want) in [
        (&["--appendonly", "yes"][..], &[][..]),
        (&["--save", "60 1"], &[]),
        (&[], &[DISK]),
        (&["--save", "60 1", "--maxmemory", "64mb"], &[]),
        (&["--save", "60 1", "--maxmemory-policy", "allkeys-lru"], &[]),
        (&["--save", "60 1", "--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl"], &[MEMORY]),
        (&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"], &[DISK, MEMORY]),
        // It does not tell its settings.
        (&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", ""], &[]),
    ] {
        let server = running(arguments);
        let store = store(&server.url());
        store.left().await.expect("it is reached");
        let warnings = store.warnings();
        assert_eq!(warnings.len(), want.len(), "{arguments:?}: {warnings:?}");
        for part in want {
            assert!(warnings.iter().any(|warning| warning.contains(part)), "{arguments:?}: {warnings:?}");
        }
        assert_eq!(store.commit(vec![talk(1)]).await, Ok(()), "{arguments:?}");
        close(store).await;
    }
}

#[tokio::test]
async fn a_look_at_a_server_says_the_same_and_leaves_nothing_behind() {
    for (arguments, want) in [(&LASTING[..], 0), (&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"], 2)] {
        let server = running(arguments);
        let looked = examine(&server.url().into());
        assert_eq!(looked.as_ref().map(Vec::len), Ok(want), "{looked:?}");
        // A store that comes later finds a server that nobody has written to.
        assert!(open(&server).warnings.len() == want);
    }
    let nobody = examine(&"redis://127.0.0.1:1".into()).expect_err("nobody listens there");
    assert!(nobody.contains("nobody listens there"), "{nobody}");
}
