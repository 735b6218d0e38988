//! The two ways in which Twilio writes a moment.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::clock::Millis;

/// `Fri, 21 Aug 2026 09:30:00 +0000`: the voice API, and HTTP headers (with `GMT`).
pub(super) fn rfc2822(text: &str) -> Option<Millis> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok().and_then(millis)
}

/// `2026-08-21T09:30:00.123Z`: the Conversations API.
pub(super) fn iso8601(text: &str) -> Option<Millis> {
    text.parse().ok().and_then(millis)
}

fn millis(time: Timestamp) -> Option<Millis> {
    u64::try_from(time.as_millisecond()).ok().map(Millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_the_same_in_every_writing() {
        let moment = Some(Millis(1_787_304_600_000));
        for text in ["Fri, 21 Aug 2026 09:30:00 +0000", "Fri, 21 Aug 2026 09:30:00 GMT"] {
            assert_eq!(rfc2822(text), moment, "{text}");
        }
        for text in ["2026-08-21T09:30:00Z", "2026-08-21T09:30:00.000Z", "2026-08-21T11:30:00+02:00"] {
            assert_eq!(iso8601(text), moment, "{text}");
        }
        for text in ["", "soon", "1960-01-01T00:00:00Z"] {
            assert_eq!((rfc2822(text), iso8601(text)), (None, None), "{text}");
        }
    }
}
