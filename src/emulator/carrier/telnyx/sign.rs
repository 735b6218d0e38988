//! Telnyx's request signature, made independently of the code that checks it.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The public key to a seed, as the portal shows it.
pub(in crate::emulator) fn public_key(seed: &[u8; 32]) -> String {
    STANDARD.encode(pair(seed).public_key())
}

/// `Telnyx-Signature-Ed25519` over a timestamp (whole seconds) and a body.
pub(in crate::emulator) fn signature(seed: &[u8; 32], timestamp: &str, body: &str) -> String {
    STANDARD.encode(pair(seed).sign(format!("{timestamp}|{body}").as_bytes()))
}

fn pair(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes")
}
