//! callme.
fn main() {}
