//! Integration tests.

mod peers;
