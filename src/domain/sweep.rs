//! How many cases the property tests of the machines try.

/// The long test run tries more.
pub(crate) fn cases(few: u32) -> u32 {
    if std::env::var_os("CALLME_TEST_LONG").is_some() { few * 20 } else { few }
}
