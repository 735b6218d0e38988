//! The truth about what happened, as every answer carries it (`outcome`).

use crate::domain::media::Progress;

/// How far a message of the agent got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MessageHeard {
    /// Nothing of it was heard.
    #[default]
    None,
    /// It was cut; this much was heard, to a word's end.
    Partial(String),
    /// All of it was heard.
    Full,
    /// Written, not spoken.
    Written,
}

/// What became of the dialling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dial {
    /// Still ringing, or never tried.
    #[default]
    NotDialed,
    /// Somebody or something picked up.
    Answered,
    /// Rang out or was declined on the phone.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// Could not be put through, or the carrier's media never came.
    Failed,
    /// Hung up by us before anyone answered.
    Canceled,
    /// A machine picked up.
    Voicemail,
}

impl Dial {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dial::NotDialed => "not-dialed",
            Dial::Answered => "answered",
            Dial::NoAnswer => "no-answer",
            Dial::Busy => "busy",
            Dial::Failed => "failed",
            Dial::Canceled => "canceled",
            Dial::Voicemail => "voicemail",
        }
    }
}

/// Who picked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnsweredBy {
    /// No one, or no one yet.
    #[default]
    Nobody,
    /// A person, says the carrier.
    Human,
    /// Voicemail or fax, says the carrier.
    Machine,
    /// Somebody; the carrier could not tell, or did not in time.
    Unknown,
}

impl AnsweredBy {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AnsweredBy::Nobody => "nobody",
            AnsweredBy::Human => "human",
            AnsweredBy::Machine => "machine",
            AnsweredBy::Unknown => "unknown",
        }
    }
}

/// Who or what ended the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The person hung up.
    Person,
    /// The agent's `end`.
    Agent,
    /// Nothing was said for too long, or nobody collected the reply.
    Inactivity,
    /// The call reached its maximum length.
    MaxLength,
    /// The person stopped messages.
    OptOut,
    /// The server was stopped.
    Shutdown,
    /// A fault of our own.
    Crash,
    /// A provider: the carrier lost the call, or speech failed for good.
    Carrier,
}

impl EndedBy {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EndedBy::Person => "person",
            EndedBy::Agent => "agent",
            EndedBy::Inactivity => "inactivity",
            EndedBy::MaxLength => "max-length",
            EndedBy::OptOut => "opt-out",
            EndedBy::Shutdown => "shutdown",
            EndedBy::Crash => "crash",
            EndedBy::Carrier => "carrier",
        }
    }
}

/// The channel words came by, and a session is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The phone call.
    Voice,
    /// WhatsApp.
    WhatsApp,
    /// Short texts between phone numbers: the last resort, where it is allowed.
    Sms,
}

impl Channel {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Voice => "voice",
            Channel::WhatsApp => "whatsapp",
            Channel::Sms => "sms",
        }
    }

    /// As sentences call it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Voice => "the phone",
            Channel::WhatsApp => "WhatsApp",
            Channel::Sms => "SMS",
        }
    }
}

/// The whole truth at the moment of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the dialling.
    pub dial: Dial,
    /// Who picked up.
    pub answered_by: AnsweredBy,
    /// How far the last message got.
    pub message_heard: MessageHeard,
    /// How the reply came; `None` where there is none.
    pub reply_channel: Option<Channel>,
    /// Who ended the session; `None` while it runs.
    pub ended_by: Option<EndedBy>,
}

impl MessageHeard {
    /// How much of `text` was heard, by how much of its sound was: in proportion, back to a word's end.
    pub fn of(progress: Progress, text: &str) -> Self {
        if progress.heard.is_zero() {
            return MessageHeard::None;
        }
        if progress.is_whole() {
            return MessageHeard::Full;
        }
        let share = progress.heard.as_secs_f64() / progress.whole.as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of at most 4,096 characters"
        )]
        let chars = (share * text.chars().count() as f64) as usize;
        let cut = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
        let whole_words = if text[cut..].starts_with(char::is_whitespace) {
            &text[..cut]
        } else {
            text[..cut].rsplit_once(char::is_whitespace).map_or("", |(words, _)| words)
        };
        match whole_words.trim_end() {
            "" => MessageHeard::None,
            words => MessageHeard::Partial(words.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_heard_goes_back_to_a_words_end() {
        let text = "Shall I deploy now?";
        let partial = |words: &str| MessageHeard::Partial(words.to_owned());
        for (heard, whole, want) in [
            (0, 2000, MessageHeard::None),
            (200, 2000, MessageHeard::None),
            (600, 2000, partial("Shall")),
            (790, 2000, partial("Shall I")),
            (1000, 2000, partial("Shall I")),
            (1990, 2000, partial("Shall I deploy")),
            (2000, 2000, MessageHeard::Full),
            (2100, 2000, MessageHeard::Full),
        ] {
            let progress = Progress { heard: Duration::from_millis(heard), whole: Duration::from_millis(whole) };
            assert_eq!(MessageHeard::of(progress, text), want, "{heard} of {whole} ms");
        }
    }
}
