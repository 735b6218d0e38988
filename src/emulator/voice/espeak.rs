//! Speech from `espeak-ng`, brought from its own rate to 24 kHz.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::Speaker;

/// Whether it can be started.
pub(super) fn is_installed() -> bool {
    let started = Command::new("espeak-ng").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok_and(|s| s.success())
}

/// The sound of `text`, 24 kHz. Blocks.
pub(super) fn speak(speaker: Speaker, text: &str) -> io::Result<Vec<i16>> {
    let voice = match speaker {
        Speaker::Agent => ["-v", "en-gb", "-p", "40", "-s", "165"],
        Speaker::Person => ["-v", "en-us+f3", "-p", "60", "-s", "175"],
    };
    let mut child = Command::new("espeak-ng")
        .args(["--stdin", "--stdout"])
        .args(voice)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // It reads all of its input before it writes, so that writing first cannot lock up.
    child.stdin.take().expect("stdin is piped").write_all(text.as_bytes())?;
    let out = child.wait_with_output()?;
    let (rate, samples) = wav(&out.stdout).ok_or(io::ErrorKind::InvalidData)?;
    Ok(resample(&samples, rate))
}

/// Rate and samples of a 16-bit mono WAV, whose sizes `--stdout` leaves unset.
fn wav(bytes: &[u8]) -> Option<(u32, Vec<i16>)> {
    let rate = u32::from_le_bytes(bytes.get(24..28)?.try_into().ok()?);
    let data = bytes.windows(4).position(|w| w == b"data")? + 8;
    let samples = bytes.get(data..)?.chunks_exact(2).map(|s| i16::from_le_bytes([s[0], s[1]])).collect();
    (rate > 0).then_some((rate, samples))
}

/// To 24 kHz, in a straight line between neighbours: enough for what goes on to 8 kHz.
fn resample(samples: &[i16], rate: u32) -> Vec<i16> {
    let (rate, count) = (u64::from(rate), u64::try_from(samples.len()).unwrap_or(0));
    (0..count * 24_000 / rate)
        .map(|n| {
            let at = n * rate;
            let index = usize::try_from(at / 24_000).expect("below the number of samples");
            let between = i64::try_from(at % 24_000).expect("below 24000");
            let left = i64::from(samples[index]);
            let right = i64::from(*samples.get(index + 1).unwrap_or(&samples[index]));
            i16::try_from(left + (right - left) * between / 24_000).expect("between two samples")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_length_in_time_and_the_line_between_samples() {
        let ramp: Vec<i16> = (0..2205).collect();
        let out = resample(&ramp, 22_050);
        assert_eq!(out.len(), 2400);
        assert_eq!((out[0], out[1200], out[2399]), (0, 1102, 2204));
    }
}
