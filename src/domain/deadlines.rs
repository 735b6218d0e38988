//! deadlines.
