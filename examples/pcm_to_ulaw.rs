//! Standard input, 24 kHz 16-bit little-endian mono PCM, to standard output as µ-law at 8 kHz: the audio path alone.
//!
//! `espeak-ng --stdout hello | sox - -t raw -r 24000 -e signed -b 16 -c 1 - | cargo run --example pcm_to_ulaw | play -t ul -r 8000 -`

use std::io::{self, Read, Write};

use callme::audio::pcm::PcmToUlaw;

fn main() -> io::Result<()> {
    let (mut converter, mut ulaw) = (PcmToUlaw::default(), Vec::new());
    // An odd size, so that samples are cut as a network cuts them.
    let mut chunk = [0; 1_021];
    loop {
        let read = io::stdin().read(&mut chunk)?;
        if read == 0 {
            break;
        }
        converter.push(&chunk[..read], &mut ulaw);
    }
    converter.finish(&mut ulaw);
    io::stdout().write_all(&ulaw)
}
