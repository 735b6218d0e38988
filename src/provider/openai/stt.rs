//! stt.
