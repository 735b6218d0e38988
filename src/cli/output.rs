//! What commands print. Whoever reads it may stop reading (`callme doctor --json | head`): that ends no command in a panic.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on standard output.
///
/// # Errors
/// When it is not written, unless nobody wants it.
pub fn line(what: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{what}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A line for people, on standard error. Nobody can be told where it is not written.
pub fn note(what: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{what}");
}
