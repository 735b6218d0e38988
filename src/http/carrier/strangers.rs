//! Who fails the signature check again and again, by network address.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::limit::Limit;
use crate::privacy::keyed::{HashKey, KeyedHash, Kind};

/// Failed signatures of one address in a minute. The carrier's own fail for minutes at most, after a change of settings.
const FAILURES: NonZeroU32 = NonZeroU32::new(30).expect("not zero");

/// The addresses, as hashes.
pub(super) struct Strangers {
    failures: Limit<KeyedHash>,
    hash_key: HashKey,
}

impl Strangers {
    pub(super) fn new(hash_key: HashKey) -> Self {
        Self { failures: Limit::per_minute(Some(FAILURES)), hash_key }
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// With the time until the next is allowed, when there were too many.
    pub(super) fn note(&self, address: IpAddr) -> Result<(), Duration> {
        let name = household(address).to_string();
        self.failures.take(&self.hash_key.hash(Kind::Address, &name))
    }
}

/// Whoever has one address of IPv6 has the 2^64 beside it, too.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_may_fail_thirty_times_a_minute_and_others_are_not_concerned() {
        let strangers = Strangers::new(HashKey::new(b"key"));
        for number in 1..=30 {
            assert_eq!(strangers.note(address("192.0.2.1")), Ok(()), "failure {number}");
        }
        assert_eq!(strangers.note(address("192.0.2.1")), Err(Duration::from_secs(2)));
        assert_eq!(strangers.note(address("192.0.2.2")), Ok(()));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(strangers.note(address("192.0.2.1")), Ok(()));
    }

    #[test]
    fn addresses_of_one_household_are_one() {
        for (one, other, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            assert_eq!(household(address(one)) == household(address(other)), same, "{one} {other}");
        }
    }
}
